#include "preload/weave/callers.h"

#include "preload/call_tree.h"
#include "preload/frame_rule.h"
#include "preload/lockhound.h"
#include "preload/unwind.h"
#include "preload/weave/pc_map.h"
#include "preload/weave/plane.h"
#include "preload/weave/routines.h"

#define IS_STACK (UINT32_C(1) << 31)

/* ---- by the last walk ----------------------------------------------------------------------------------------------- */

/* Returns: false where `step` is unable to. */
static bool take_by_path(struct self *self, const struct unwind_start *start,
                         enum frame_step (*step)(struct frame_walk *), struct callers_id *callers)
{
    struct frame_walk walk = {.pc = start->rip,
                              .sp = start->rsp,
                              .bp = start->rbp,
                              .is_innermost = true,
                              .extent = stack_extent_at(self->stack_low, self->stack_high, start->rsp)};
    switch (step(&walk)) {
    case FRAME_STEPPED:
        return call_path_take(&self->path, &walk, step, lockhound.options.stack_depth, &callers->v);
    case FRAME_ENDED:
        return true;
    case FRAME_UNABLE:
        break;
    }
    return false;
}

/* ---- by libunwind --------------------------------------------------------------------------------------------------- */

/* Returns: the canonical frame address of the function at the site, 0 when it takes unwinding to know. */
static inline uintptr_t frame_address(const struct routine_frame *frame)
{
    struct image_site site = image_mark_read(routine_mark(frame, 0));
    intptr_t offset = site.cfa_offset;
    switch ((enum image_cfa)site.cfa) {
    case IMAGE_CFA_RSP:
        return (uintptr_t)(frame + 1) + (uintptr_t)offset;
    case IMAGE_CFA_RBP:
        return frame->rbp + (uintptr_t)offset;
    case IMAGE_CFA_UNKNOWN:
    case IMAGE_CFA_OTHER:
        break;
    }
    return 0;
}

static struct stack_id take_by_unwinder(struct self *self, const struct unwind_start *start, uintptr_t cfa)
{
    if (cfa != 0)
        return stack_cache_take_at(&self->stacks, *(const uintptr_t *)(cfa - sizeof(uintptr_t)), cfa, start);
    struct unwound unwound;
    unwind_from(start, 0, lockhound.options.stack_depth, &unwound);
    return stacks_id(unwound.depth == 0 ? NULL : stacks_intern(unwound.frames, unwound.depth));
}

/* ---- all ----------------------------------------------------------------------------------------------------------- */

struct callers_id callers_of(struct stack_id id)
{
    return (struct callers_id){id.v == 0 ? 0 : id.v | IS_STACK};
}

struct stack_id callers_stack(struct callers_id callers)
{
    return (callers.v & IS_STACK) != 0 ? (struct stack_id){callers.v & ~IS_STACK}
                                       : call_tree_stack(callers.v, lockhound.options.stack_depth);
}

/* What is done apart: keeping a stack, reading rules and libunwind use vector registers. */
struct walk {
    struct self *self;
    struct unwind_start start;
    uintptr_t cfa; /* 0: not known */
    struct callers_id callers;
};

static void keep_path(struct self *self, struct callers_id callers)
{
    if (!stack_cache_keep_path(self, callers.v))
        call_tree_leave(callers.v);
}

static void keep(void *arg)
{
    const struct walk *walk = arg;
    keep_path(walk->self, walk->callers);
}

static void walk(void *arg)
{
    struct walk *walk = arg;
    if (!take_by_path(walk->self, &walk->start, frame_walk_step, &walk->callers))
        walk->callers = callers_of(take_by_unwinder(walk->self, &walk->start, walk->cfa));
}

/* Returns: a place with the rule of the site's frame: where the call in woven code returns to, once that has it, which need not be
 * looked up in the image. */
static uintptr_t place_of_rule(uintptr_t return_address)
{
    struct frame_rule rule;
    if (frame_rule_find_known(return_address, &rule))
        return return_address;
    uintptr_t pc = pc_map_site_address(return_address);
    if (frame_rule_find_known(pc, &rule))
        frame_rule_note(return_address, rule);
    return pc;
}

/* All of the structure is set, for making it zero first takes longer than the rest. */
static __attribute__((noinline)) struct callers_id take_anew(struct plane *plane, uintptr_t cfa,
                                                             const struct routine_frame *frame)
{
    struct walk work = {.self = plane->self,
                        .start = {.rip = place_of_rule((uintptr_t)frame->return_address),
                                  .rsp = (uintptr_t)(frame + 1),
                                  .rbp = frame->rbp,
                                  .rbx = frame->rbx,
                                  .r12 = frame->r12,
                                  .r13 = frame->r13,
                                  .r14 = frame->r14,
                                  .r15 = frame->r15},
                        .cfa = cfa,
                        .callers = {0}};
    if (!take_by_path(work.self, &work.start, frame_walk_step_known, &work.callers)) {
        work.start.rip = pc_map_site_address((uintptr_t)frame->return_address);
        vectors_apart(&plane->vectors, walk, &work);
    } else if (cfa != 0 && call_tree_is_often_met(work.callers.v)) {
        vectors_apart(&plane->vectors, keep, &work);
    }
    return work.callers;
}

struct callers_id callers_take(struct plane *plane, const struct routine_frame *frame)
{
    uintptr_t cfa = frame_address(frame);
    struct stack_id id = {0};
    if (cfa != 0)
        id = stack_cache_find(&plane->self->stacks, *(const uintptr_t *)(cfa - sizeof(uintptr_t)), cfa);
    if (id.v != 0)
        return callers_of(id);
    stack_standing_lose(&plane->self->stacks.standing);
    return take_anew(plane, cfa, frame);
}

struct callers_id callers_of_call(struct self *self, uintptr_t pc, uintptr_t sp, uintptr_t bp)
{
    struct stack_id id = stack_cache_find(&self->stacks, pc, sp);
    if (id.v != 0)
        return callers_of(id);
    struct frame_walk walk = {
        .pc = pc, .sp = sp, .bp = bp, .extent = stack_extent_at(self->stack_low, self->stack_high, sp)};
    struct callers_id callers = {0};
    if (!call_path_take(&self->path, &walk, frame_walk_step, lockhound.options.stack_depth, &callers.v))
        return callers_of(stack_cache_take(&self->stacks, pc, sp));
    if (call_tree_is_often_met(callers.v))
        keep_path(self, callers);
    return callers;
}

uint32_t callers_frames(struct callers_id callers, struct frame *frames, uint32_t most)
{
    if ((callers.v & IS_STACK) == 0)
        return call_tree_frames(callers.v, frames, most);
    const struct interned_stack *stack = stacks_get((struct stack_id){callers.v & ~IS_STACK});
    uint32_t depth = 0;
    for (; stack != NULL && depth < stack->depth && depth < most; depth++)
        frames[depth] = stack->frames[depth];
    return depth;
}
