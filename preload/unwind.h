/* unwind.h: walks the program's stack once and says where each return address stood.
 *
 * On a thread's own stack by the rules of frame_walk.h, frame after frame; else by
 * libunwind_walk.h.
 */
#ifndef LOCKHOUND_PRELOAD_UNWIND_H
#define LOCKHOUND_PRELOAD_UNWIND_H

#include "preload/stack_cache.h"
#include "preload/stacks.h"

/* Between unwind_from() and the program. */
enum { UNWIND_OWN_FRAMES_MAX = 16 };

struct unwound {
    uint32_t depth;
    bool exact;    /* every return address was found at its place: the result may be cached */
    bool complete; /* the outermost frame is there */
    struct frame frames[STACK_MAX_DEPTH];
    uintptr_t places[STACK_MAX_DEPTH]; /* address on the stack of frames[i].pc; places[0] is not set */
};

/* One more frame outwards.  Context: signal, loader-lock, in-malloc. */
void unwound_append(struct unwound *result, uintptr_t pc, uintptr_t place, bool exact);

/* Walks from the caller whose return address is `pc`, out of our own frames first.
 * Returns: at least that frame.  Context: signal, loader-lock, in-malloc, takes(OWN_RANK_UNWIND). */
void unwind_from(uintptr_t pc, uint32_t max_depth, struct unwound *result);

/* The registers of a frame that is to be walked from, in place of the caller's. */
struct unwind_start {
    uintptr_t rip, rsp, rbp, rbx, r12, r13, r14, r15;
};

/* The same, from the frame with these registers, whose caller (or that one's, ...) has the return address `pc`; with `pc` 0
 * its caller whatever that is.  Returns: the stack pointer in that caller after the return; 0 when none was found, and
 * then `result` is no deeper than `pc`.  Context: signal, loader-lock, in-malloc, takes(OWN_RANK_UNWIND). */
uintptr_t unwind_from_start(const struct unwind_start *start, uintptr_t pc, uint32_t max_depth, struct unwound *result);

#endif
