/* race_ahead.h: pages of the windows that are asked of the system before they are touched.
 *
 *   first tag in a page --race_ahead()--> a neighbour has tags too, or the pages asked for last end here --> the next ones, ready to
 *                                                                                                          be written to
 *
 * Why:       a check reads a tag before any is set.  For the read the system maps its one page of zeros; for the write that
 *            follows it maps another in its place, and has every processor forget the first, which takes some microseconds.
 * Model:     where pages come one after the other, twice as many are asked for each time; where one comes beside another, those
 *            around it.  A page far from all others is left to the system.
 * Limit:     what is asked for and never touched is no more than what was, and some pages; nothing where memory is limited.
 * Threads:   the plane's thread.
 */
#ifndef LOCKHOUND_DETECTOR_RACE_AHEAD_H
#define LOCKHOUND_DETECTOR_RACE_AHEAD_H

#include "detector/race_engine.h"

/* The page of the program gets its first tag, of a write if `writes`; both windows have those then. */
void race_ahead(const struct race_engine *engine, struct race_part *part, uint32_t page, bool writes);
/* The windows of the part are empty: nothing was asked for. */
void race_ahead_forget(struct race_part *part);

#endif
