/* race_generation.h: what the tags of a plane stand for: generation -> (clock slot, epoch).
 *
 *   release: epoch + 1 --race_generation_advance()--> next generation   (none when nothing was recorded in the old one)
 *   127 used up --race_renumber()--> groups of old ones become one each
 *
 * Model:     whoever has seen a generation has seen all lower ones of the plane.  So a thread that takes a plane over
 *            from one that ended must have seen its end: race_generation_follows().
 * Alone:     while there is one thread its generation stays, whatever it releases: all of what it does comes before all that
 *            threads do which it makes later, and of those that ended none had seen its present generation.
 * Trust:     an epoch whose order could not be seen counts as seen (race_trust.h).
 */
#ifndef LOCKHOUND_DETECTOR_RACE_GENERATION_H
#define LOCKHOUND_DETECTOR_RACE_GENERATION_H

#include "detector/race_engine.h"
#include "detector/race_trust.h"

#define RACE_TAG(generation, wrote) ((uint8_t)((generation) << 1 | (wrote)))

/* The thread of the plane begins: a new generation.  Returns: true when all before was seen by the thread. */
bool race_generation_follows(const struct race_plane *plane, const struct thread *t);
void race_generation_begin(struct race_engine *engine, struct race_plane *plane);
/* A new generation when the epoch moved on and something was recorded before; while the thread is alone, none. */
void race_generation_advance(struct race_engine *engine, struct race_plane *plane);

/* The thread says what it has heard of others by now, for their renumbering. */
void race_generation_hear(const struct race_engine *engine, const struct race_plane *plane);

/* Returns: true when the thread of `observer` has seen the generation, or it is trusted. */
static inline bool race_generation_is_seen(const struct race_engine *engine, const struct race_plane *observer,
                                           const struct race_generation *generation)
{
    uint32_t slot = relaxed_load(&generation->slot);
    uint64_t epoch = relaxed_load(&generation->epoch);
    return thread_clock_has_seen(race_order(engine, observer), slot, epoch) || race_trusts(engine, slot, epoch);
}

/* The same of generation `g` of `part`.  While that is renumbered a generation may seem to be a later one. */
static inline bool race_generation_seen(const struct race_engine *engine, const struct race_plane *observer,
                                        const struct race_part *part, uint32_t g)
{
    return g == 0 || race_generation_is_seen(engine, observer, &part->generation[g]);
}
/* Returns: the last epoch that generation `g` stands for: of those that were merged, not the one that it goes by. */
static inline uint64_t race_generation_end(const struct race_part *part, uint32_t g)
{
    const struct race_generation *first = &part->generation[g], *next = first + 1;
    bool is_merged = g <= relaxed_load(&part->renumbered) && g < relaxed_load(&part->present) &&
                     relaxed_load(&next->slot) == relaxed_load(&first->slot) &&
                     relaxed_load(&next->epoch) > relaxed_load(&first->epoch);
    return is_merged ? relaxed_load(&next->epoch) - 1 : relaxed_load(&first->epoch);
}
/* Returns: the highest generation of `part` that the thread of `observer` has seen, to its end; all lower ones too. */
uint32_t race_generation_threshold(const struct race_engine *engine, const struct race_plane *observer,
                                   const struct race_part *part);

/* Returns: the plane's version, to be compared after reading; odd: do not read. */
static inline uint32_t race_version_begin(const struct race_part *part)
{
    return atomic_load_explicit(&part->version, memory_order_acquire); /* partner: race_renumber() */
}

static inline bool race_version_stands(const struct race_part *part, uint32_t version)
{
    atomic_thread_fence(memory_order_acquire); /* what was read before stays before; partner: race_renumber() */
    return (version & 1) == 0 && relaxed_load(&part->version) == version;
}

/* Returns: a generation of `other`, whose version is this, up to which the thread of `plane` has seen all, to their ends; 0 when none
 * is known.  What was read of its tags then counts where the version stands. */
static inline uint8_t race_generation_known(const struct race_plane *plane, const struct race_part *other,
                                            uint32_t version)
{
    const struct race_known *known = &race_part(plane)->known[other->number % RACE_KNOWN];
    return known->number == other->number && known->version == version ? (uint8_t)known->generation : 0;
}

/* Generation `g` of `other` was seen: known from now on, if that was so to its end. */
void race_generation_learn(const struct race_engine *engine, const struct race_plane *plane,
                           const struct race_part *other, uint32_t g);

/* Returns: what the tags of `chunk`, which is locked, stand for, also while the plane is renumbered; `version` was read under the lock
 * as well, and race_numbering_stood() is to be asked in the end. */
static inline const struct race_generation *race_numbering(const struct race_part *part, uint32_t version,
                                                           uint32_t chunk)
{
    bool is_to_come = (version & 1) != 0 && relaxed_load(&part->renumbering_at) <= chunk;
    return is_to_come ? part->before : part->generation;
}

static inline bool race_numbering_stood(const struct race_part *part, uint32_t version)
{
    atomic_thread_fence(memory_order_acquire); /* what was read before stays before; partner: race_renumber() */
    return relaxed_load(&part->version) == version;
}

#endif
