/* callers.h: who called the function that woven code stands in, as the history keeps it.
 *
 *   site's registers --step out--> [call_path.h: what is new since the last] --> node of call_tree.h
 *        \--a rule not read yet--> the same, vector registers kept -------/
 *               \--another stack, a frame that takes libunwind--> [stack_cache.h] --> number of a stack
 *
 * Often met: a chain that comes up again and again gets into the cache of stacks, which is asked first.
 * Model:     struct callers_id is the node, or the number with a mark.
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_CALLERS_H
#define LOCKHOUND_PRELOAD_WEAVE_CALLERS_H

#include "preload/stacks.h"
#include "preload/weave/plane.h"
#include "preload/weave/routines.h"

/* Returns: the callers of the function at the site; none when there is no memory.
 * Context: signal, in-malloc, loader-lock, takes(OWN_RANK_STACKS), takes(OWN_RANK_UNWIND). */
struct callers_id callers_take(struct plane *plane, const struct plane_site *known, const struct routine_frame *frame);

/* Writes their frames, innermost first, `most` at most.  Returns: how many.  Context: signal, in-malloc, loader-lock. */
uint32_t callers_frames(struct callers_id callers, struct frame *frames, uint32_t most);

#endif
