/* race_last.h: what the latest release to a sync address says to who comes without having heard of it.
 *
 *   race_freed (free) --\
 *   race_updates      ---+--> heard of? --no--> finding, when the history still has that operation
 *
 * Model:     sync addresses leave no tags, but each release ends an epoch of its thread's.  Who has not heard of that epoch, has not seen
 *            it by a relaxed load either, which is enough on this machine, and has no reason to trust it, is not ordered behind it.
 */
#ifndef LOCKHOUND_DETECTOR_RACE_LAST_H
#define LOCKHOUND_DETECTOR_RACE_LAST_H

#include "detector/race_granules.h"

bool race_last_is_heard_of(const struct race_engine *engine, const struct race_plane *plane,
                           const struct race_last *last);
/* The present access is not ordered behind it, and not to be beside it.  Returns: true when that was reported. */
bool race_last_report(struct race_engine *engine, struct race_plane *plane, const struct race_piece *piece,
                      const struct race_last *last);

#endif
