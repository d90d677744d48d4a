/* frame_walk.h: one step outwards on a stack, by the rules of frame_rule.h; without a lock or libunwind, and on a thread's own stack
 * without a system call.
 *
 * Where code has no unwind information, as what a compiler made at run time has none, a frame pointer is followed when it leads
 * a little further out: the same guess that libunwind makes.
 */
#ifndef LOCKHOUND_PRELOAD_FRAME_WALK_H
#define LOCKHOUND_PRELOAD_FRAME_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "preload/stack_extent.h"

struct frame_walk {
    uintptr_t pc, sp, bp;       /* of the present frame */
    uint32_t left;              /* number of the module of the frame that the last step left, or tried to; 0: none */
    bool is_innermost;          /* `pc` is an instruction, not the return address behind a call */
    struct stack_extent extent; /* nothing is read beyond, nor below `sp` */
};

enum frame_step { FRAME_STEPPED, FRAME_ENDED, FRAME_UNABLE };

/* Goes to the caller's frame, whose return address then stands in the word below `sp`.
 * Returns: FRAME_ENDED where there is no caller, FRAME_UNABLE where only libunwind can tell; the walk is as it was then.
 * Context: signal, loader-lock, in-malloc. */
enum frame_step frame_walk_step(struct frame_walk *walk);
/* The same by rules that are remembered: FRAME_UNABLE where one must be read.  Uses no vector register.
 * Context: signal, loader-lock, in-malloc. */
enum frame_step frame_walk_step_known(struct frame_walk *walk);

#endif
