/* run.h: all rounds of an access of a counted loop, told before the first (weaver/loop_entry.h).
 *
 *   first address, rounds, [mark of the site, mark of the run] --> stretches not known yet --> history, race_run()
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_RUN_H
#define LOCKHOUND_PRELOAD_WEAVE_RUN_H

#include <stdbool.h>

#include "preload/weave/routines.h"
#include "weaver/image.h"

/* The thread is inside; the rounds are in RSI.  Returns: false when they are to be told one by one.
 * Context: signal, in-malloc, loader-lock. */
bool run_take(struct plane *plane, uint64_t address, const struct image_site *site, const struct routine_frame *frame);

#endif
