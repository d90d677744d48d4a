/* race_freed.h: blocks that are freed beside atomic operations on them.
 *
 *   free() --race_freed_leave()--> the address's latest release: heard of? --no--> finding
 *                              \--> no sync address any more, so that the free leaves tags
 *   atomic operation, the first there --race_freed_meet()--> tags of a free, not heard of? --> finding
 *
 * Model:     an atomic operation that released to an address in a block comes before the block's free() when who frees
 *            it has heard of the epoch that the operation ended, or has seen it by a relaxed load, which is enough on
 *            this machine.  Reference counts are such: the last one down has acquired what the others released.
 * Kept:      of each address the latest release alone; a relaxed store makes it unknown.  Loads are not kept.
 * After:     who counts down last may free the block while another thread is still behind its own instruction: what ends
 *            a read-modify-write says nothing of a block that is gone.
 * Test:      tests/unit/test_race_freed.c; tests/programs/races/freed.c.
 */
#ifndef LOCKHOUND_DETECTOR_RACE_FREED_H
#define LOCKHOUND_DETECTOR_RACE_FREED_H

#include "detector/race_engine.h"

/* The piece, part of one granule, is being freed; without `tells` no race is looked for.
 * Returns: true when one was found and reported. */
bool race_freed_leave(struct race_engine *engine, struct race_plane *plane, const struct race_piece *piece, bool tells);
/* The piece, no sync address yet, is accessed by an atomic operation. */
void race_freed_meet(struct race_engine *engine, struct race_plane *plane, const struct race_piece *piece);

#endif
