/* race_updates.h: a plain instruction that changes a place beside an atomic one that adds something to it: either change may be lost.
 *
 *   add $1, x   lock add $1, x    one after the other, each not having heard of the other before --> finding
 *
 * Model:     plain moves to a sync address count as its atomic loads and stores.  A plain instruction that reads and writes is
 *            neither: no atomic operation is compiled to one.  Beside an atomic addition to the very same bytes it is wrong whatever
 *            the two mean.
 * Allowed:   beside others it may be right: who holds a lock whose bit others try to set, or whose word they compare, may change the
 *            rest of the word plainly; and who adds nothing loses nothing.
 * Found:     where each is the first of its thread since the other: any access to the place acquires.
 * Test:      tests/unit/test_race_updates.c; tests/programs/races/updates.c.
 */
#ifndef LOCKHOUND_DETECTOR_RACE_UPDATES_H
#define LOCKHOUND_DETECTOR_RACE_UPDATES_H

#include "detector/race_last.h"

/* The thread of `plane` is about to do `how` to the bytes of a granule whose latest release is `last`.
 * Returns: true when that is the other kind, of the same bytes, and it has not heard of it. */
bool race_updates_meet(const struct race_engine *engine, const struct race_plane *plane, const struct race_last *last,
                       enum race_change how, uint32_t bytes);
/* Reports it. */
void race_updates_report(struct race_engine *engine, struct race_plane *plane, uint64_t address,
                         const struct race_last *last, enum race_change how);

#endif
