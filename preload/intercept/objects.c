#include "preload/intercept/objects.h"

#include "preload/intercept/traits.h"

static void note_place(struct self *self, const void *place)
{
    uintptr_t address = (uintptr_t)place;
    if (address - self->stack_low < self->stack_high - self->stack_low)
        hook_note_stack_object(self, address);
}

struct object *objects_adopt(struct self *self, enum object_kind kind, const void *place, struct stack_id at)
{
    struct object_traits traits = traits_read(kind, place);
    struct object *object = emit_object_adopt(self, kind, (uintptr_t)place, &traits, at);
    if (object != NULL)
        note_place(self, place);
    return object;
}

void objects_init(struct self *self, enum object_kind kind, const void *place, uintptr_t frame, struct stack_id at)
{
    hook_check_stack(self, frame);
    struct object_traits traits = traits_read(kind, place);
    if (emit_object_init(self, kind, (uintptr_t)place, &traits, at) != NULL)
        note_place(self, place);
}

void objects_destroy(struct self *self, enum object_kind kind, const void *place, uintptr_t frame, struct stack_id at)
{
    if (place == NULL)
        return; /* glibc takes it for some kinds */
    struct object *object = objects_find(self, kind, place, frame, at);
    if (object != NULL)
        emit_object_destroy(self, object, at);
}
