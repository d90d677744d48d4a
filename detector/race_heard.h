/* race_heard.h: what the two sides of a race last had to do with each other: where the order between them ends.
 *
 *   present thread's clock at the other's slot --> epoch k --> [history of the other: what released k?] --> finding.heard
 *
 * Model:     an access of the other thread comes before the present one when its epoch is at most k.  So all up to what
 *            released k is ordered, by whatever way the news went, and nothing after it is.
 * Context:   of a report: the program's vector registers are saved.
 */
#ifndef LOCKHOUND_DETECTOR_RACE_HEARD_H
#define LOCKHOUND_DETECTOR_RACE_HEARD_H

#include "detector/race_engine.h"

/* Says what `plane`'s thread has seen last of `thread`, whose plane is `other`'s and whose clock stands in `slot`. */
void race_heard(const struct race_engine *engine, const struct race_plane *plane, const struct race_part *other,
                uint32_t slot, struct thread_id thread, struct finding_heard *heard);

#endif
