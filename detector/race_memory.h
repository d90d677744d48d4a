/* race_memory.h: what the windows of the planes cost, and how it is given back.
 *
 *   first tag in a page --race_mark()--> pages counted --past the budget--> race_memory_drop(): a thread forgets its history
 *   munmap, a large block allocated anew --race_memory_return()--> pages of the windows go back to the system
 *
 * Model:     a page of the program costs a page of each window of each plane that has tags in it.  Pages of tags that are zero
 *            in all respects need no page.
 * Budget:    of what all windows have together.  The thread that finds it spent, and has no less than its share, drops
 *            all of its own history: races with what it did before are lost (counted), and none is made up.
 * Threads:   a plane's windows are dropped by its own thread; returned by any, in pages that nobody uses any more.
 */
#ifndef LOCKHOUND_DETECTOR_RACE_MEMORY_H
#define LOCKHOUND_DETECTOR_RACE_MEMORY_H

#include "detector/race_engine.h"

/* Returns: true when the budget is spent and the plane's thread should drop its history. */
bool race_memory_is_spent(const struct race_engine *engine, const struct race_part *part);
void race_memory_drop(struct race_engine *engine, struct race_plane *plane);
/* The windows of the part are empty: nothing is marked. */
void race_memory_unmark(struct race_engine *engine, struct race_part *part);
/* Addresses of which the tags of all planes but the keeper's are zero. */
struct race_returned {
    uint64_t low, high;
};
/* [low, high) is fresh: gives back whole pages there of all windows but those of `keeper`, which may be NULL, unless a chunk is of
 * another address.  Returns: where nothing else is left to be cleared. */
struct race_returned race_memory_return(struct race_engine *engine, const struct race_part *keeper, uint64_t low,
                                        uint64_t high);

#endif
