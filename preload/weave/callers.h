/* callers.h: who called the function that woven code stands in, as the history keeps it.
 *
 *   a call of libc, its caller's registers ---------\
 *   site's registers --step out--> [call_path.h: what is new since the last] --> node of call_tree.h
 *        \--a rule not read yet--> the same, vector registers kept -------/
 *               \--another stack, a frame that takes libunwind--> [stack_cache.h] --> number of a stack
 *
 * Often met: a chain that comes up again and again gets into the cache of stacks, which is asked first.
 * Model:     struct callers_id is the node, or the number with a mark.
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_CALLERS_H
#define LOCKHOUND_PRELOAD_WEAVE_CALLERS_H

#include "preload/self.h"
#include "preload/stacks.h"

struct plane;
struct routine_frame;

/* Returns: the callers of the function at the site whose routine it is; none when there is no memory.
 * Context: signal, in-malloc, loader-lock, takes(OWN_RANK_STACKS), takes(OWN_RANK_UNWIND). */
struct callers_id callers_take(struct plane *plane, const struct routine_frame *frame);

/* Returns: the chain of a call that returns to `pc`, from a caller whose stack pointer is `sp` then, and whose RBP `bp`.
 * Context: signal, in-malloc, loader-lock, takes(OWN_RANK_STACKS), takes(OWN_RANK_UNWIND). */
struct callers_id callers_of_call(struct self *self, uintptr_t pc, uintptr_t sp, uintptr_t bp);

/* The one in terms of the other.  Context of both: signal, in-malloc, loader-lock, takes(OWN_RANK_STACKS). */
struct callers_id callers_of(struct stack_id id);
struct stack_id callers_stack(struct callers_id callers);

/* Writes their frames, innermost first, `most` at most.  Returns: how many.  Context: signal, in-malloc, loader-lock. */
uint32_t callers_frames(struct callers_id callers, struct frame *frames, uint32_t most);

#endif
