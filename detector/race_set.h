/* race_set.h: sets of plane numbers, each kept once and named by a small number.
 *
 *   {3} --with 7--> {3, 7} --with 5, which writes--> {3, 5w, 7}        the same set has the same name, however it came about
 *
 * Model:   a member is marked when its plane may have written: whoever reads need not look at the others, of whom there may be
 *          hundreds.  A name is a place in an arena that only grows; sets are never changed or freed, so that reading needs no lock.
 * Memory:  when the arena or its index is full, race_set_with() says so (0); the caller then gives up history.
 */
#ifndef LOCKHOUND_DETECTOR_RACE_SET_H
#define LOCKHOUND_DETECTOR_RACE_SET_H

#include "detector/race_engine.h"

enum { RACE_SET_BITS = 24 /* of a name; 0 is the empty set. */, RACE_SET_UNIT = 16 /* of the arena */ };

struct race_set {
    uint32_t hash;
    uint16_t count;
    uint16_t member[]; /* ascending by number; with RACE_SET_WRITES */
};

enum { RACE_SET_WRITES = 0x8000 };
_Static_assert((int)RACE_PLANES_MAX < (int)RACE_SET_WRITES, "a number leaves room for the mark");

static inline uint32_t race_set_number(const struct race_set *set, uint32_t i)
{
    return set->member[i] & ~(uint32_t)RACE_SET_WRITES;
}

static inline bool race_set_writes(const struct race_set *set, uint32_t i)
{
    return (set->member[i] & RACE_SET_WRITES) != 0;
}

bool race_sets_init(struct race_engine *engine);
void race_sets_delete(struct race_engine *engine);
static inline const struct race_set *race_set_get(const struct race_engine *engine, uint32_t name)
{
    return (const void *)(engine->set_arena + (size_t)name * RACE_SET_UNIT);
}
/* Returns: the set of `name` and `number`, which keeps its mark or gets it; 0 when there is no room for it. */
uint32_t race_set_with(struct race_engine *engine, uint32_t name, uint32_t number, bool writes);
/* Returns: the set of `name` without `number`; 0 when it is empty, or when there is no room. */
uint32_t race_set_without(struct race_engine *engine, uint32_t name, uint32_t number);

/* In a forked child, where no other thread is left: frees what they had locked. */
void race_sets_forked(struct race_engine *engine);

/* Returns: the place of the first member that is not below `number`; count when there is none. */
static inline uint32_t race_set_place(const struct race_set *set, uint32_t number)
{
    uint32_t low = 0, high = set->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (race_set_number(set, middle) < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static inline bool race_set_has(const struct race_set *set, uint32_t number)
{
    uint32_t i = race_set_place(set, number);
    return i < set->count && race_set_number(set, i) == number;
}

/* Returns: true when it is a member, and is marked if it `writes`. */
static inline bool race_set_covers(const struct race_set *set, uint32_t number, bool writes)
{
    uint32_t i = race_set_place(set, number);
    return i < set->count && race_set_number(set, i) == number && (!writes || race_set_writes(set, i));
}

#endif
