/* race_hybrid.h: races that the order in which this run took its locks has hidden, for --races=hybrid.
 *
 *   tag of another thread --loose clock has seen it--> ordered
 *      |--hb has not seen it--> a race, as ever
 *      |--a lock in common--> no race; and when data went from that section to this one, the lock has ordered them
 *      \--no lock in common--> a hidden race: another schedule may have let the two meet
 *
 * Model:     a generation has the locks that its thread held then.  Ordered is what the loose clock (loose.h) has seen: all
 *            but what locks alone ordered.  Ownership of chunks and seen tags go by that clock.
 * Handed:    a lock orders two sections when the later reads what the earlier wrote, or writes what the earlier read:
 *            queues, flags and reference counts under a lock hand over.  A write over a write, or an instruction that changes
 *            memory in place and tells its thread nothing (a counter's increment), does not.
 * Invariant: a hidden race is claimed only with epochs of which no hand-over can have been dropped with the history of
 *            some bytes: race_hybrid_trust_all().
 * Source:    Serebryany & Iskhodzhanov 2009 (locksets beside happens-before); Smaragdakis et al. 2012 and Kini et al. 2017
 *            (only conflicting critical sections order).
 */
#ifndef LOCKHOUND_DETECTOR_RACE_HYBRID_H
#define LOCKHOUND_DETECTOR_RACE_HYBRID_H

#include "detector/race_engine.h"

/* What a plane's generation was protected by.  Read by all, under the plane's version. */
void race_locks_set(struct race_locks *locks, const struct held_set *held);
void race_locks_copy(struct race_locks *to, const struct race_locks *from);
void race_locks_join(struct race_locks *into, const struct race_locks *from);
/* Returns: true when the set is what is held now. */
bool race_locks_are(const struct race_locks *locks, const struct held_set *held);

/* The present access against the tags of all others in the chunk.  Returns: true when a race was reported. */
bool race_hybrid_check(struct race_engine *engine, struct race_plane *plane, struct race_chunk *chunk, uint32_t state,
                       const struct race_piece *piece);
/* Returns: true when generation `g` of `part` is hidden from `plane` by locks alone, and may be claimed. */
bool race_hybrid_hides(const struct race_engine *engine, const struct race_plane *plane, const struct race_part *part,
                       uint32_t g);
/* History was dropped, and hand-overs with it: no hidden race is claimed with what was done so far.  Nothing in hb mode. */
void race_hybrid_trust_all(struct race_engine *engine);

#endif
