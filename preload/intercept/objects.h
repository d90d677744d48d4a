/* objects.h: from an address in the program to the object that the detector knows, for every family of hooks.
 *
 *   address --> thread's cache, detector's table --known--------------------------> kind checked --> object
 *                                                \--unknown--> traits of its memory --> adopted --/
 *
 * NULL means that the object cannot be tracked (no memory) or is not what the call takes it for (reported): the hook
 * then makes the real call and nothing else.
 * `frame` is the hook's own: objects on the thread's stack below it are forgotten first, for their frames are gone.
 */
#ifndef LOCKHOUND_PRELOAD_INTERCEPT_OBJECTS_H
#define LOCKHOUND_PRELOAD_INTERCEPT_OBJECTS_H

#include "detector/object.h"
#include "preload/emit.h"
#include "preload/hook.h"

/* The frame to give to the functions below: must be used in the interposed function itself or inline in it. */
#define HOOK_FRAME() ((uintptr_t)__builtin_frame_address(0))

/* The rare cases of objects_find(): `known` is NULL for an object that nobody initialised before our eyes, or one of
 * another kind.  Context: signal, in-malloc, takes(RANK_OBJECTS). */
struct object *objects_adopt(struct self *self, enum object_kind kind, const void *place, struct object *known,
                             struct stack_id at);

/* While accesses are checked a use of the object counts as a read of its first byte, and its making and end as writes of it: so
 * they race like others.  Of many uses by one thread a part is noted.  Context: signal, in-malloc. */
void objects_note_use(struct self *self, enum object_kind kind, const void *place, struct stack_id at);

/* The condition was just signalled for the detector: the call, which goes on when whoever it wakes may run, counts as a use that
 * comes after what it has handed over.  Source: glibc nptl/pthread_cond_destroy.c.  Context: signal, in-malloc. */
void objects_signalled(struct self *self, const void *place, struct stack_id at);

/* Returns: the object that the call means, or NULL.  Context: signal, in-malloc. */
static inline struct object *objects_find(struct self *self, enum object_kind kind, const void *place, uintptr_t frame,
                                          struct stack_id at)
{
    hook_check_stack(self, frame);
    if (hook_unlikely(self->plane != NULL))
        objects_note_use(self, kind, place, at);
    struct object *object = hook_object(self, place);
    if (hook_unlikely(object == NULL || object->kind != kind))
        return objects_adopt(self, kind, place, object, at);
    return object;
}

/* The release of a lock, before the real one.  The quick form takes no stack, and is the usual case: unwinding here
 * would hold up everyone who waits for the lock.
 * Returns: NULL when the quick form did nothing, and the other is to follow.  Context: signal. */
static inline struct object *objects_release_quickly(struct self *self, enum object_kind kind, const void *place,
                                                     uintptr_t frame)
{
    hook_check_stack(self, frame);
    struct object *object = hook_object(self, place);
    return hook_likely(object != NULL) && emit_lock_release_quickly(self, object, kind) ? object : NULL;
}

static inline struct object *objects_release(struct self *self, enum object_kind kind, const void *place,
                                             uintptr_t frame, struct stack_id at)
{
    struct object *object = objects_find(self, kind, place, frame, at);
    if (object != NULL)
        emit_lock_released(self, object, at);
    return object;
}

/* After the real release: where it was made, which the history wants.  Must be used in the interposed function itself. */
#define OBJECTS_NOTE_PLACE(self)                                                                                       \
    do {                                                                                                               \
        if (hook_unlikely((self)->plane != NULL))                                                                      \
            plane_note_unlocked_at(self, HOOK_STACK(self));                                                            \
    } while (0)

/* After the real initialisation succeeded.  Context: signal, in-malloc, takes(RANK_OBJECTS). */
void objects_init(struct self *self, enum object_kind kind, const void *place, uintptr_t frame, struct stack_id at);
/* Before the real destruction.  Context: signal, in-malloc, takes(RANK_OBJECTS). */
void objects_destroy(struct self *self, enum object_kind kind, const void *place, uintptr_t frame, struct stack_id at);

#endif
