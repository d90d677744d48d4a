/* race_become.h: an address becomes a synchronising one.
 *
 *   the granule has a clock, the chunk is shared, which all are told --> tags of others in its bytes
 *         --> who wrote unseen, who may still read --> trusted, as far as that matters --> cleared
 *
 * Order:     told first, cleared then: a thread that waits there misses as soon as its tag is gone, and finds the clock.  One that
 *            found none, and records a tag behind the clearing, looks again (race.c): with that tag it would never acquire.
 * Stored:    what stands there was a release before anyone could know of it.  Of what the present thread has seen or did itself the
 *            clock begins with that; what is unseen is trusted.
 * Model:     tags of these bytes go.  What another thread wrote there unseen was a release nobody could know of, of
 *            all that this thread had seen: everything done so far is trusted (race_trust.h).  A thread that has read
 *            there in its present epoch may see what comes next, for a load may still be under way behind its check:
 *            what that thread has done is trusted.
 * Test:      tests/unit/test_race_atomic.c, test_race_parallel.c.
 */
#ifndef LOCKHOUND_DETECTOR_RACE_BECOME_H
#define LOCKHOUND_DETECTOR_RACE_BECOME_H

#include "detector/race_engine.h"

/* Makes bytes [address, address + size) of one granule sync.  With `known` 0 what others wrote there is trusted as above; else what
 * is not of the plane of that number, whose last store there is known to who calls.
 * Returns: false when they have no clock of their own. */
bool race_become_sync(struct race_engine *engine, struct race_plane *plane, uint64_t address, size_t size,
                      uint32_t known);

#endif
