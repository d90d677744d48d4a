#include "preload/unwind.h"

#include "preload/frame_walk.h"
#include "preload/libunwind_walk.h"
#include "preload/modules.h"
#include "preload/self.h"

static void clear(struct unwound *result)
{
    result->depth = 0;
    result->exact = true;
    result->complete = false;
}

static void append(struct unwound *result, uintptr_t pc, uintptr_t place, uint32_t module)
{
    result->frames[result->depth] = (struct frame){.pc = pc, .module = module & 0x7fffffffu};
    result->places[result->depth] = place;
    result->depth++;
}

void unwound_append(struct unwound *result, uintptr_t pc, uintptr_t place, bool exact)
{
    const struct module *m = module_of(exact ? pc : pc - 1);
    append(result, pc, place, m == NULL ? 0 : m->id);
    result->frames[result->depth - 1].exact = exact;
}

/* Leaves our own frames, or the frame that the walk starts from.  Returns: false when the caller was not met. */
static bool leave_own_frames(struct frame_walk *walk, uintptr_t pc)
{
    for (int i = 0; i < UNWIND_OWN_FRAMES_MAX && frame_walk_step(walk) == FRAME_STEPPED; i++)
        if (pc == 0 || walk->pc == pc)
            return true;
    return false;
}

/* On the thread's own stack, as long as all frames are of the usual kind.
 * Returns: the stack pointer, as unwind_from_start(); 0: libunwind is needed. */
static uintptr_t walk_quickly(const struct unwind_start *start, uintptr_t pc, uint32_t max_depth,
                              struct unwound *result)
{
    const struct self *self = self_current;
    if (self <= SELF_GONE || start->rsp < self->stack_low || start->rsp >= self->stack_high)
        return 0;
    struct frame_walk walk = {
        .pc = start->rip, .sp = start->rsp, .bp = start->rbp, .is_innermost = true, .stack_high = self->stack_high};
    if (!leave_own_frames(&walk, pc))
        return 0;
    uintptr_t sp = walk.sp;
    enum frame_step step = FRAME_STEPPED;
    for (uintptr_t place = 0; step == FRAME_STEPPED && result->depth < max_depth; place = walk.sp - sizeof(uintptr_t)) {
        uintptr_t caller = walk.pc;
        step = frame_walk_step(&walk);
        append(result, caller, place, walk.left);
    }
    result->complete = step == FRAME_ENDED;
    return step == FRAME_UNABLE ? 0 : sp;
}

/* The registers that a call preserves, the stack pointer, and an address in this function for them. */
static inline __attribute__((always_inline)) void capture(struct unwind_start *start)
{
    __asm__ volatile("movq %%rbx, %0\n\tmovq %%rbp, %1\n\tmovq %%rsp, %2\n\tmovq %%r12, %3"
                     : "=m"(start->rbx), "=m"(start->rbp), "=m"(start->rsp), "=m"(start->r12));
    __asm__ volatile("movq %%r13, %0\n\tmovq %%r14, %1\n\tmovq %%r15, %2\n\tleaq 0(%%rip), %%rax\n\tmovq %%rax, %3"
                     : "=m"(start->r13), "=m"(start->r14), "=m"(start->r15), "=m"(start->rip)
                     :
                     : "rax");
}

void unwind_from(uintptr_t pc, uint32_t max_depth, struct unwound *result)
{
    struct unwind_start start;
    capture(&start);
    unwind_from_start(&start, pc, max_depth, result);
}

uintptr_t unwind_from_start(const struct unwind_start *start, uintptr_t pc, uint32_t max_depth, struct unwound *result)
{
    clear(result);
    uintptr_t sp = walk_quickly(start, pc, max_depth, result);
    if (sp != 0)
        return sp;
    clear(result);
    return libunwind_walk(start, pc, max_depth, result);
}
