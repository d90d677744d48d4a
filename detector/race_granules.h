/* race_granules.h: the table of sync addresses: objects within granules of 8 bytes, each with its bytes and its clocks.
 *
 *   granule's address --hash--> bucket: [filter | lock bit | first] --> chain of objects --> clock, and the loose one with --races=hybrid
 *
 *   bytes of a granule:  [ head ....| tail ....]   two objects          [ lock . | both .......]   mixed: all count as one
 *
 * Model:   atomic operations on the same bytes make an object.  Once some bytes were used with others than the first time, all
 *          objects of the granule are mixed: each operation concerns all of them.
 * Uses:    an object counts how often in a row the same thread has used it, and weighs uses that see what is there against those
 *          that do not.
 * Locks:   one bucket's bit while a granule is held; the list of free ones has a lock of its own, taken inside.
 * Memory:  2^20 objects, 2^17 where windows are small.  Number 0 is none, and has the clocks that all addresses without one share.
 */
#ifndef LOCKHOUND_DETECTOR_RACE_GRANULES_H
#define LOCKHOUND_DETECTOR_RACE_GRANULES_H

#include "detector/race_engine.h"

enum {
    RACE_GRANULE_BYTES = 8,
    RACE_GRANULE_PAGES_BITS = 9,
    RACE_GRANULE_PAGES = 1 << RACE_GRANULE_PAGES_BITS,
    RACE_GRANULE_PAGE_BITS = 9, /* buckets of a page */
    RACE_GRANULE_BUCKETS = RACE_GRANULE_PAGES << RACE_GRANULE_PAGE_BITS
};

static inline uint64_t race_granule_hash(uint64_t granule)
{
    return granule / RACE_PAGE * UINT64_C(0x9e3779b97f4a7c15);
}

/* The granules of a page of the program have their buckets in one page, and those of a cache line in one line, which of them by the hash:
 * what lies together is looked up together, and what lies at the same place of many pages does not meet. */
static inline uint32_t race_granule_bucket(uint64_t granule)
{
    enum { GRANULES = RACE_LINE_BYTES / RACE_GRANULE_BYTES, LINES = RACE_PAGE / RACE_LINE_BYTES };
    uint64_t hash = race_granule_hash(granule);
    uint32_t place = (uint32_t)(granule % RACE_PAGE / RACE_GRANULE_BYTES);
    uint32_t line = (uint32_t)(hash >> 32) % LINES;
    return (uint32_t)(hash >> (64 - RACE_GRANULE_PAGES_BITS)) << RACE_GRANULE_PAGE_BITS | (place ^ line * GRANULES);
}

/* A bucket holds the filters of all its objects, the lock bit, and the number of the first object. */
#define RACE_GRANULE_LOCK (UINT64_C(1) << 31)

static inline uint64_t race_granule_filter(uint64_t granule)
{
    return UINT64_C(1) << 32 << (race_granule_hash(granule) >> 40) % 32;
}

/* Returns: false when a bucket that holds this has no object of the granule, and nobody is about to add one. */
static inline bool race_granule_may_be_in(uint64_t held, uint64_t granule)
{
    return (held & (race_granule_filter(granule) | RACE_GRANULE_LOCK)) != 0;
}

/* Returns: the bytes of the granule of `address` that [address, address + size) covers. */
static inline uint32_t race_granule_mask(uint64_t address, size_t size)
{
    return ((1u << (size & 15)) - 1) << (address & 7);
}

/* Out of line part of race_granules_are_clear(), of one granule. */
bool race_granule_is_clear(const struct race_engine *engine, uint64_t granule, uint32_t any);

/* Looks without a lock.  Returns: true when none of the bytes has an object; false: one may have.  Who makes one counts it in
 * engine->becomings behind that. */
static inline bool race_granules_are_clear(const struct race_engine *engine, uint64_t address, uint64_t size)
{
    for (uint64_t end = address + size, next; address < end; address = next) {
        uint64_t granule = address & ~(uint64_t)(RACE_GRANULE_BYTES - 1);
        next = granule + RACE_GRANULE_BYTES < end ? granule + RACE_GRANULE_BYTES : end;
        uint64_t held = relaxed_load(&engine->granule_buckets[race_granule_bucket(granule)]);
        if (race_granule_may_be_in(held, granule) &&
            !race_granule_is_clear(engine, granule, race_granule_mask(address, (size_t)(next - address))))
            return false;
    }
    return true;
}

enum race_change {
    RACE_CHANGE_ATOMIC,
    RACE_CHANGE_ADDS,   /* atomic, and adds something to what is there, whatever that is */
    RACE_CHANGE_MOVES,  /* a plain store, which counts as an atomic one */
    RACE_CHANGE_UPDATES /* one plain instruction that reads and writes */
};

/* The latest operation that released to an object, by the clock of who made it. */
struct race_last {
    uint64_t epoch; /* 0: none is known */
    uint32_t slot;
    uint8_t bytes; /* of the granule, a bit for each */
    uint8_t how;   /* enum race_change */
};

/* An object whose bucket is locked. */
struct race_granule_hold {
    _Atomic uint64_t *bucket;
    uint64_t held; /* what the bucket held */
    uint32_t number;
    uint32_t any; /* bytes, of which each object that has one is meant */
};

bool race_granules_init(struct race_engine *engine);
void race_granules_delete(struct race_engine *engine);
/* In a forked child, where no other thread is left: frees what they had locked. */
void race_granules_forked(struct race_engine *engine);

/* Makes the bytes `mask` of the granule sync.  Returns: true with their first object held; false when there is no room. */
bool race_granule_put(struct race_engine *engine, uint64_t granule, uint32_t mask, struct race_granule_hold *hold);
/* No address in [low, high) is sync any more. */
void race_granules_remove(struct race_engine *engine, uint64_t low, uint64_t high);

/* Returns: true with the first object held that has one of the bytes `any`, when it has all of the bytes `all`; of mixed ones all
 * together. */
bool race_granule_hold(struct race_engine *engine, uint64_t granule, uint32_t any, uint32_t all,
                       struct race_granule_hold *hold);
/* The hold goes on to the next object of the granule that is meant.  Returns: false when there is none. */
bool race_granule_next(const struct race_engine *engine, struct race_granule_hold *hold);
/* Returns: true when the object is mixed with others of its granule. */
bool race_granule_is_mixed(const struct race_engine *engine, const struct race_granule_hold *hold);
/* Holds the clocks of all addresses without a granule. */
void race_granule_hold_common(struct race_engine *engine, struct race_granule_hold *hold);
void race_granule_release(const struct race_granule_hold *hold);
/* What the latest release to the object was that is held. */
void race_granule_set_last(struct race_engine *engine, const struct race_granule_hold *hold, struct race_last last);
struct race_last race_granule_last(struct race_engine *engine, const struct race_granule_hold *hold);
/* Returns: engine->becomings when the object that is held became one. */
uint32_t race_granule_born(struct race_engine *engine, const struct race_granule_hold *hold);
/* Returns: the bytes of the object that is held. */
uint32_t race_granule_sync_bytes(struct race_engine *engine, const struct race_granule_hold *hold);
/* How an object has been used, for long. */
enum race_use {
    RACE_USED_ALONE = 1 << 0,     /* by this thread alone */
    RACE_USED_UNOBSERVED = 1 << 1 /* mostly by who did not see what was there */
};

/* The thread whose clock has that slot uses the object that is held: noted.  Returns: enum race_use, this use included. */
unsigned race_granule_note_use(struct race_engine *engine, const struct race_granule_hold *hold, uint32_t slot,
                               bool is_unobserved);
/* The clocks of the object that is held; the loose one is NULL without --races=hybrid. */
struct sync_clock *race_granule_clock(struct race_engine *engine, const struct race_granule_hold *hold);
struct sync_clock *race_granule_loose(struct race_engine *engine, const struct race_granule_hold *hold);

#endif
