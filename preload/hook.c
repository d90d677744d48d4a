#include "preload/hook.h"

#include "preload/intercept/channels.h"
#include "preload/intercept/signals.h"
#include "preload/intercept/thread.h"
#include "preload/nesting.h"
#include "preload/weave/weave.h"

struct self *hook_enter_slowly(struct self *self, uintptr_t frame)
{
    if (self == SELF_GONE)
        return NULL;
    if (self == NULL) {
        if (!lockhound.ready)
            bootstrap(NULL);
        self = self_current; /* the first thread is known now */
        if (self == NULL)
            self = self_adopt();
        if (self == NULL)
            return NULL;
        thread_arm(self);
        plane_start_if_woven(self);
        if (self->foreign)
            channels_receive_notice(self);
    } else if (self_is_anothers(self) || (self->inside && nesting_is_inside(self, frame))) {
        return NULL;
    }
    self->inside = true;
    self->inside_frame = frame;
    return self;
}

struct object *hook_object_slowly(struct self *self, uint64_t address)
{
    struct object *object = object_find(lockhound.detector, address);
    if (object == NULL)
        return NULL;
    hook_remember_object(self, address, object);
    return object;
}

void hook_remember_object(struct self *self, uint64_t address, struct object *object)
{
    *hook_cache_line(self, address) = (struct object_cache_line){.address = address, .object = object};
    hook_note_stack_object(self, address);
}

/* A hook whose frame is above the lowest object, or in a signal handler that may have been left, looks what is gone. */
static void watch_stack(struct self *self)
{
    self->stack_watch = self->signal_depth > 0 ? 0 : self->lowest_stack_object;
}

void hook_note_stack_object(struct self *self, uint64_t address)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    if (address < here || address >= self->lowest_stack_object || address >= self->stack_high ||
        !self_owns_stack(self, here))
        return;
    self->lowest_stack_object = address;
    watch_stack(self);
}

void hook_stack_popped(struct self *self, uintptr_t frame)
{
    signals_drop_popped(self, frame);
    uintptr_t lowest = self->lowest_stack_object;
    /* Elsewhere, on a fiber's or a signal's stack, no frame of the thread's own has been popped. */
    if (frame > lowest && self_owns_stack(self, frame)) {
        self->lowest_stack_object = frame;
        if (object_may_live_in(lockhound.detector, lowest, frame))
            object_range_gone(lockhound.detector, self->thread, lowest, frame, false, (struct stack_id){0});
    }
    watch_stack(self);
    weave_loaded(self);
}
