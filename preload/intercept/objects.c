#include "preload/intercept/objects.h"

#include "preload/intercept/traits.h"

struct object *objects_adopt(struct self *self, enum object_kind kind, const void *place, struct object *known,
                             struct stack_id at)
{
    /* In a module's data memory is never anything else; elsewhere it may have become this object unseen. */
    if (known != NULL && known->is_static) {
        (void)emit_object_check_kind(self, known, kind, at);
        return NULL;
    }
    struct object_traits traits = traits_read(kind, place);
    struct object *object = emit_object_adopt(self, kind, (uintptr_t)place, &traits, at);
    if (object != NULL)
        hook_remember_object(self, (uintptr_t)place, object);
    return object;
}

void objects_init(struct self *self, enum object_kind kind, const void *place, uintptr_t frame, struct stack_id at)
{
    hook_check_stack(self, frame);
    struct object_traits traits = traits_read(kind, place);
    struct object *object = emit_object_init(self, kind, (uintptr_t)place, &traits, at);
    if (object != NULL)
        hook_remember_object(self, (uintptr_t)place, object);
}

void objects_destroy(struct self *self, enum object_kind kind, const void *place, uintptr_t frame, struct stack_id at)
{
    if (place == NULL)
        return; /* glibc takes it for some kinds */
    struct object *object = objects_find(self, kind, place, frame, at);
    if (object == NULL)
        return;
    if (sharing_concerns(object))
        sharing_on_destroy(self, object);
    emit_object_destroy(self, object, at);
}
