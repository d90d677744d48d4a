/* obstacles.h: what in the program's modules forbids weaving, or makes it see less.
 *
 *   candidates of a round --> a sanitizer's run-time, code that uses GS --> nothing is woven, which is said
 *                         --> allocators, atomic operations that are not woven --> memory, and order, that is not seen
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_OBSTACLES_H
#define LOCKHOUND_PRELOAD_WEAVE_OBSTACLES_H

#include "preload/weave/round.h"

/* Leaves all when one of the modules forbids it; `is_on`: others are woven already.  Context: loader-lock, in-malloc. */
void obstacles_heed(struct round *round, bool is_on);
/* The round has ended: what is hidden by what was left is noted.  Context: loader-lock, in-malloc. */
void obstacles_note_hidden(const struct round *round);
/* Returns: whether code that was to be woven and is not may hold atomic operations, which order what nobody sees.
 * Context: signal, in-malloc, loader-lock. */
bool obstacles_hide_order(void);

#endif
