/* unwind.h: from our own frames out into the program's, and on to the outermost.
 *
 *   registers --> own frames --usual frames--> unwind_by_path(): [call_path.h] --> node of call_tree.h
 *                           \--else------------------> unwind_from(): [libunwind_walk.h] --> frames
 */
#ifndef LOCKHOUND_PRELOAD_UNWIND_H
#define LOCKHOUND_PRELOAD_UNWIND_H

#include "preload/stack_cache.h"
#include "preload/stacks.h"

struct self;

/* Between who asks and the program. */
enum { UNWIND_OWN_FRAMES_MAX = 16 };

struct unwound {
    uint32_t depth;
    bool exact;    /* every return address was found at its place: the result may be cached */
    bool complete; /* the outermost frame is there */
    struct frame frames[STACK_MAX_DEPTH];
    uintptr_t places[STACK_MAX_DEPTH]; /* address on the stack of frames[i].pc; places[0] need not be set */
};

/* One more frame outwards.  Context: signal, loader-lock, in-malloc. */
void unwound_append(struct unwound *result, uintptr_t pc, uintptr_t place, bool exact);

/* The registers of a frame that is to be walked from, in place of the caller's. */
struct unwind_start {
    uintptr_t rip, rsp, rbp, rbx, r12, r13, r14, r15;
};

/* Fills in the caller's own.  Context: signal. */
#define UNWIND_CAPTURE(start)                                                                                          \
    do {                                                                                                               \
        __asm__ volatile("movq %%rbx, %0\n\tmovq %%rbp, %1\n\tmovq %%rsp, %2\n\tmovq %%r12, %3"                        \
                         : "=m"((start)->rbx), "=m"((start)->rbp), "=m"((start)->rsp), "=m"((start)->r12));            \
        __asm__ volatile(                                                                                              \
            "movq %%r13, %0\n\tmovq %%r14, %1\n\tmovq %%r15, %2\n\tleaq 0(%%rip), %%rax\n\tmovq %%rax, %3"             \
            : "=m"((start)->r13), "=m"((start)->r14), "=m"((start)->r15), "=m"((start)->rip)                           \
            :                                                                                                          \
            : "rax");                                                                                                  \
    } while (0)

/* Walks from the frame with these registers, whose caller (or that one's, ...) has the return
 * address `pc`; the path is self->path.  Returns: that caller's node; 0 where only libunwind can tell.
 * Context: signal, loader-lock, in-malloc. */
uint32_t unwind_by_path(struct self *self, const struct unwind_start *start, uintptr_t pc);

/* The same wherever it is, with the frames; with `pc` 0 from its caller whatever that is.
 * Returns: the stack pointer in that caller after the return; 0 when none was found, and
 * then `result` is no deeper than `pc`.  Context: signal, loader-lock, in-malloc, takes(OWN_RANK_UNWIND). */
uintptr_t unwind_from(const struct unwind_start *start, uintptr_t pc, uint32_t max_depth, struct unwound *result);

#endif
