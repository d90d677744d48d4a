#include "preload/nesting.h"

#include "preload/raw.h"

bool nesting_is_popped(const struct self *self, const struct signal_level *level, uintptr_t frame)
{
    bool handler_on_own_stack = self_owns_stack(self, level->place);
    bool frame_on_own_stack = self_owns_stack(self, frame);
    if (handler_on_own_stack == frame_on_own_stack && frame >= level->place)
        return true;
    if (!handler_on_own_stack && frame_on_own_stack)
        return true; /* it ran on a stack of its own (sigaltstack), which has been left */
    /* Deeper than the handler, or on another stack, perhaps that of a second handler that interrupted it. */
    return !raw_is_readable(level->place) || *(const uintptr_t *)level->place != level->value;
}

bool nesting_is_inside(struct self *self, uintptr_t frame)
{
    bool is_deeper = frame < self->inside_frame || frame >= self->stack_high;
    bool is_left = self->interrupter.place != 0 && nesting_is_popped(self, &self->interrupter, frame);
    if (is_deeper && !is_left)
        return true;
    self->interrupter.place = 0;
    return false;
}

/* Another that interrupts a hook which passes through, in the first, leaves no more than that one does. */
void nesting_interrupt(struct self *self, const uintptr_t *place)
{
    if (self->interrupter.place == 0)
        self->interrupter = (struct signal_level){(uintptr_t)place, *place};
}

void nesting_resume(const uintptr_t *place)
{
    struct self *self = self_current;
    if (self > SELF_GONE && self->interrupter.place == (uintptr_t)place)
        self->interrupter.place = 0;
}
