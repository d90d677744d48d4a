/* clocks.h: vector clocks whose release is O(1): a thread publishes a snapshot that it shares instead of copying.
 *
 *   thread_clock = own slot + own epoch + a snapshot of what it has seen of all other slots
 *                                             ^ immutable once published, reference counted, pooled
 *   release: object.stamp = {slot, epoch, snapshot}; own epoch + 1
 *   acquire: the same slot released last, or stamp.epoch <= seen[stamp.slot]  -> nothing to do   (O(1))
 *            else join into a snapshot of one's own                            (O(slots))
 *
 * Model:     a clock is a map slot -> epoch; a happens before b iff a.epoch <= b.seen[a.slot].
 * Invariant: whoever has seen (slot, epoch) has seen all that this thread had seen at that epoch.
 * Threads:   a thread_clock is written by its thread alone; a sync_clock by whoever holds its object.  Snapshots are
 *            shared, with atomic counts; the pool is under RANK_CLOCKS and each thread keeps a few spare ones.
 * Slots:     recycled oldest first after a thread has ended; epochs go on in the slot, so a stale stamp can only look
 *            older than it is (a miss, never a false report).
 * Source:    Flanagan & Freund 2009 (epochs); Mathur et al. 2022 and LLVM's tsan v3 on sharing clocks.
 */
#ifndef LOCKHOUND_DETECTOR_CLOCKS_H
#define LOCKHOUND_DETECTOR_CLOCKS_H

#include "detector/host.h"

struct clock_snapshot;

/* One point in the life of one thread: comparable with every other stamp for ever. */
struct clock_stamp {
    uint32_t slot;
    uint64_t epoch; /* 0: never */
    struct clock_snapshot *seen;
};

/* Returns: true when `a` happened before (or is) `b`. */
bool clock_stamp_before(const struct clock_stamp *a, const struct clock_stamp *b);
/* Replaces *to by a counted copy of *from; drops what *to held. */
void clock_stamp_assign(struct clock_stamp *to, const struct clock_stamp *from);
void clock_stamp_drop(struct clock_stamp *stamp);

#endif
