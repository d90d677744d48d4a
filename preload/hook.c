#include "preload/hook.h"

#include "preload/intercept/signals.h"
#include "preload/intercept/thread.h"

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
    } else if (self->inside && (frame <= self->inside_frame || frame >= self->stack_high)) {
        return NULL;
    }
    /* Else the hook that set `inside` has been left by longjmp: its frame has been popped. */
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
    *hook_cache_line(self, address) = (struct object_cache_line){address, object};
    hook_note_stack_object(self, address);
}

static bool is_on_own_stack(const struct self *self, uintptr_t address)
{
    return address >= self->stack_low && address < self->stack_high;
}

void hook_note_stack_object(struct self *self, uint64_t address)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    if (address < here || address >= self->stack_high || !is_on_own_stack(self, here))
        return;
    for (unsigned i = 0; i < self->stack_object_count; i++)
        if (self->stack_objects[i] == address)
            return;
    if (self->stack_object_count == STACK_OBJECTS_MAX)
        return; /* this one keeps its generation when its frame ends: only the sharpness of an identity is lost */
    self->stack_objects[self->stack_object_count++] = address;
    if (address < self->lowest_stack_object)
        self->lowest_stack_object = address;
}

void hook_stack_popped(struct self *self, uintptr_t frame)
{
    signals_drop_popped(self, frame);
    if (!is_on_own_stack(self, frame))
        return; /* on a fiber's or a signal's stack */
    uintptr_t lowest = UINTPTR_MAX;
    unsigned kept = 0;
    for (unsigned i = 0; i < self->stack_object_count; i++) {
        uintptr_t address = self->stack_objects[i];
        if (address < frame) {
            object_range_gone(lockhound.detector, self->thread, address, address + 1, false, (struct stack_id){0});
            continue;
        }
        self->stack_objects[kept++] = address;
        lowest = address < lowest ? address : lowest;
    }
    self->stack_object_count = kept;
    self->lowest_stack_object = self->signal_depth > 0 ? 0 : lowest; /* in a handler every hook looks */
}
