#include "preload/stack_cache.h"

#include "preload/call_tree.h"
#include "preload/lockhound.h"
#include "preload/self.h"
#include "preload/stack_layout.h"
#include "preload/unwind.h"
#include "preload/weave/entered.h"

/* Returns: the end of the thread's own stack when `sp` is on it; `sp` itself on a fiber's or a signal's, whose end is
 * not known: there only unwinding is safe. */
static uintptr_t end_of_stack(uintptr_t sp)
{
    const struct self *self = self_current;
    return self > SELF_GONE && self_owns_stack(self, sp) ? self->stack_high : sp;
}

/* The path's innermost frames are the stack's. */
static const struct stack_layout *add_path(const struct call_path *path, uintptr_t pc, uintptr_t sp, uintptr_t end,
                                           struct stack_id id)
{
    struct unwound unwound = {.depth = path->depth};
    uint32_t outside[STACK_MAX_DEPTH];
    if (unwound.depth > lockhound.options.stack_depth)
        unwound.depth = lockhound.options.stack_depth;
    if (!stack_layout_has_room(pc, end - sp))
        return NULL;
    for (uint32_t i = 0; i < unwound.depth; i++) {
        const struct call_path_frame *frame = &path->frames[path->depth - 1 - i];
        unwound.frames[i].pc = frame->pc;
        unwound.places[i] = frame->sp - sizeof frame->pc;
        outside[i] = i > 0 && entered_is_told(unwound.frames[i - 1].pc)
                         ? call_tree_stack(frame->node, lockhound.options.stack_depth).v
                         : 0;
    }
    return stack_layout_add(pc, sp, end, &unwound, outside, id);
}

/* A stack that comes once is not worth a layout, which would stand in the way of those that come often. */
static struct stack_id take_by_path(struct self *self, uintptr_t pc, const struct unwind_start *start)
{
    uint32_t node = unwind_by_path(self, start, pc);
    if (call_tree_is_often_met(node) && !stack_cache_keep_path(self, node))
        call_tree_leave(node);
    return call_tree_stack(node, lockhound.options.stack_depth);
}

static const struct stack_layout *take_by_unwinder(uintptr_t pc, uintptr_t sp, uintptr_t end,
                                                   const struct unwind_start *start, struct stack_id *id)
{
    struct unwound unwound;
    unwind_from(start, pc, lockhound.options.stack_depth, &unwound);
    /* No frame: the function was entered as the first of its stack. */
    const struct interned_stack *stack = unwound.depth == 0 ? NULL : stacks_intern(unwound.frames, unwound.depth);
    *id = stacks_id(stack);
    return stack != NULL && unwound.exact && end > sp ? stack_layout_add(pc, sp, end, &unwound, NULL, *id) : NULL;
}

/* The bits of an address that a program can have. */
static const uint64_t ADDRESS = (UINT64_C(1) << 48) - 1;

static void put(struct stack_cache *cache, uintptr_t pc, uintptr_t sp, const struct stack_layout *layout)
{
    struct stack_cache_entry entry = {.pc = pc & ADDRESS,
                                      .sp_high = sp >> 32 & UINT16_MAX,
                                      .layout = (uintptr_t)layout & ADDRESS,
                                      .others = layout->others & UINT16_MAX,
                                      .sp_low = (uint32_t)sp,
                                      .stack = layout->stack};
    if (layout->others > 0) {
        entry.distance = layout->places[0].distance;
        entry.outside = layout->places[0].outside;
    }
    cache->entries[stack_cache_set(pc, sp)][cache->misses++ % STACK_CACHE_WAYS] = entry;
}

bool stack_cache_keep_path(struct self *self, uint32_t node)
{
    const struct call_path_frame *innermost = &self->path.frames[self->path.depth - 1];
    uintptr_t pc = innermost->pc, sp = innermost->sp;
    if (!self_owns_stack(self, sp))
        return false;
    const struct stack_layout *layout = stack_layout_find(pc, sp, self->stack_high);
    if (layout == NULL && stack_layout_has_room(pc, self->stack_high - sp)) {
        struct stack_id id = call_tree_stack(node, lockhound.options.stack_depth);
        layout = id.v == 0 ? NULL : add_path(&self->path, pc, sp, self->stack_high, id);
    }
    if (layout != NULL)
        put(&self->stacks, pc, sp, layout);
    return layout != NULL;
}

/* `start` NULL: from here, and first by the path, which the other callers have tried. */
static __attribute__((noinline)) struct stack_id take_slowly(struct stack_cache *cache, uintptr_t pc, uintptr_t sp,
                                                             const struct unwind_start *start)
{
    uintptr_t end = end_of_stack(sp);
    const struct stack_layout *layout = stack_layout_find(pc, sp, end);
    struct stack_id id = {layout == NULL ? 0 : layout->stack.v};
    struct unwind_start here;
    if (id.v == 0 && start == NULL) {
        UNWIND_CAPTURE(&here);
        start = &here;
        id = self_current > SELF_GONE ? take_by_path(self_current, pc, start) : id;
    }
    if (id.v == 0)
        layout = take_by_unwinder(pc, sp, end, start, &id);
    if (layout != NULL && end > sp)
        put(cache, pc, sp, layout);
    return id;
}

struct stack_id stack_cache_take_at(struct stack_cache *cache, uintptr_t pc, uintptr_t sp,
                                    const struct unwind_start *start)
{
    struct stack_id id = stack_cache_find(cache, pc, sp);
    return id.v != 0 ? id : take_slowly(cache, pc, sp, start);
}

struct stack_id stack_cache_take(struct stack_cache *cache, uintptr_t pc, uintptr_t sp)
{
    return stack_cache_take_at(cache, pc, sp, NULL);
}
