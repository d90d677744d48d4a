/* race_sync.h: addresses that are used atomically: each has a clock, and no tags.
 *
 *   LOCK-prefixed instruction, XCHG --race_atomic_before/after()--> [address -> clock] <--plain load, plain store
 *
 * Model:     granules of 8 bytes with a mask of the bytes that are sync.  A release joins the thread's clock into the
 *            granule's, also for a store: which of two stores comes first is not known here, and to forget one could
 *            make up a race.  An acquire takes the granule's clock in.
 * Owed:      a plain load is seen before it happens, but for one that decides something; it acquires at once, and again when
 *            the thread comes next, for the store that it reads may have come in between.
 * Aliases:   another address of the place of a sync one gets no tags either, where windows are small enough to care.
 * Taken:     what a thread has acquired of an address it keeps in its plane (struct race_taken): while nobody has
 *            released to it since, a load has nothing to do, which the quick path finds out by itself.
 * Alone:     while one thread uses an address and nobody else has for long, its additions end no epoch: they release the present
 *            one, and whoever comes takes that in, open as it is.
 * Relaxed:   a relaxed store publishes what the last release fence knew; a relaxed load counts at the next acquire fence.
 * Memory:    race_granules.h has the clocks; past its room the addresses share one clock (spilled, counted), so that
 *            more is ordered than is. Which bytes of a chunk are spilled is not known: all that have no granule count
 *            as such.
 */
#ifndef LOCKHOUND_DETECTOR_RACE_SYNC_H
#define LOCKHOUND_DETECTOR_RACE_SYNC_H

#include "detector/race_engine.h"

/* A plain access to a piece of one granule in a chunk with sync addresses.
 * `spilled`: the chunk holds some without a clock of their own.
 * Returns: false when none of its bytes is sync, and nothing was done. */
bool race_sync_access(struct race_engine *engine, struct race_plane *plane, const struct race_piece *piece,
                      bool spilled);
/* The same for a piece that is to be sync from now on: race_become_sync(). */
void race_sync_adopt(struct race_engine *engine, struct race_plane *plane, const struct race_piece *piece,
                     uint32_t known);
/* Returns: true when a byte with the same low bits as one of the piece, which has none that is sync, may be a sync one. */
bool race_sync_is_place(const struct race_engine *engine, const struct race_piece *piece);
/* Acquires what is owed; race_settle() from inside. */
void race_sync_settle_owed(struct race_engine *engine, struct race_plane *plane);
static inline void race_sync_settle(struct race_engine *engine, struct race_plane *plane)
{
    if (__builtin_expect(race_owes(plane), 0))
        race_sync_settle_owed(engine, plane);
}
/* The plane's thread begins or ends: nothing is owed, no fence was passed. */
void race_sync_thread_begin(struct race_plane *plane);
void race_sync_thread_end(struct race_part *part);

#endif
