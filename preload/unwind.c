#include "preload/unwind.h"

#include "preload/frame_walk.h"
#include "preload/libunwind_walk.h"
#include "preload/lockhound.h"
#include "preload/modules.h"
#include "preload/self.h"

void unwound_append(struct unwound *result, uintptr_t pc, uintptr_t place, bool exact)
{
    const struct module *m = module_of(exact ? pc : pc - 1);
    result->frames[result->depth] = frame_of(pc, m == NULL ? 0 : m->id, exact);
    result->places[result->depth] = place;
    result->depth++;
}

/* Returns: false when the caller was not met. */
static bool leave_own_frames(struct frame_walk *walk, uintptr_t pc)
{
    for (int i = 0; i < UNWIND_OWN_FRAMES_MAX && frame_walk_step(walk) == FRAME_STEPPED; i++)
        if (walk->pc == pc)
            return true;
    return false;
}

uint32_t unwind_by_path(struct self *self, const struct unwind_start *start, uintptr_t pc)
{
    struct frame_walk walk = {.pc = start->rip,
                              .sp = start->rsp,
                              .bp = start->rbp,
                              .is_innermost = true,
                              .extent = stack_extent_at(self->stack_low, self->stack_high, start->rsp)};
    uint32_t node = 0;
    return leave_own_frames(&walk, pc) &&
                   call_path_take(&self->path, &walk, frame_walk_step, lockhound.options.stack_depth, &node)
               ? node
               : 0;
}

uintptr_t unwind_from(const struct unwind_start *start, uintptr_t pc, uint32_t max_depth, struct unwound *result)
{
    result->depth = 0;
    result->exact = true;
    result->complete = false;
    return libunwind_walk(start, pc, max_depth, result);
}
