/* spin.c: pthread_spin_*: a lock whose waiters burn instead of sleeping; to the detector it is a lock like any other.
 */
#include "preload/intercept/objects.h"

#include <errno.h>

HOOK_EXPORT int pthread_spin_init(pthread_spinlock_t *lock, int shared)
{
    struct self *self = hook_enter();
    int result = real.pthread_spin_init(lock, shared);
    if (self == NULL)
        return result;
    if (result == 0)
        objects_init(self, OBJECT_SPINLOCK, (const void *)lock, HOOK_FRAME(), HOOK_STACK(self));
    hook_leave(self);
    return result;
}

HOOK_EXPORT int pthread_spin_destroy(pthread_spinlock_t *lock)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_spin_destroy(lock);
    objects_destroy(self, OBJECT_SPINLOCK, (const void *)lock, HOOK_FRAME(), HOOK_STACK(self));
    hook_leave(self);
    return real.pthread_spin_destroy(lock);
}

HOOK_EXPORT int pthread_spin_lock(pthread_spinlock_t *lock)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_spin_lock(lock);
    struct stack_id at = HOOK_STACK(self);
    struct object *object = objects_find(self, OBJECT_SPINLOCK, (const void *)lock, HOOK_FRAME(), at);
    if (hook_unlikely(object == NULL)) {
        hook_leave(self);
        return real.pthread_spin_lock(lock);
    }

    emit_lock_request(self, object, LOCK_EXCLUSIVE, false, at);
    int result = real.pthread_spin_trylock(lock);
    if (hook_unlikely(result == EBUSY)) {
        emit_block(self, object, LOCK_EXCLUSIVE, false, at);
        relaxed_store(&self->spins, true); /* whoever reads it late looks again */
        hook_pause(self);
        result = real.pthread_spin_lock(lock);
        hook_resume(self);
        relaxed_store(&self->spins, false);
        emit_unblock(self);
    }
    if (result == 0)
        emit_lock_acquired(self, object, LOCK_EXCLUSIVE, false, at);
    hook_leave(self);
    return result;
}

HOOK_EXPORT int pthread_spin_trylock(pthread_spinlock_t *lock)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_spin_trylock(lock);
    struct stack_id at = HOOK_STACK(self);
    struct object *object = objects_find(self, OBJECT_SPINLOCK, (const void *)lock, HOOK_FRAME(), at);
    int result = real.pthread_spin_trylock(lock);
    if (result == 0 && object != NULL)
        emit_lock_acquired(self, object, LOCK_EXCLUSIVE, false, at);
    hook_leave(self);
    return result;
}

HOOK_EXPORT int pthread_spin_unlock(pthread_spinlock_t *lock)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_spin_unlock(lock);
    struct object *object = objects_release_quickly(self, OBJECT_SPINLOCK, (const void *)lock, HOOK_FRAME());
    if (hook_unlikely(object == NULL))
        object = objects_release(self, OBJECT_SPINLOCK, (const void *)lock, HOOK_FRAME(), HOOK_STACK(self));
    int result = real.pthread_spin_unlock(lock);
    if (object != NULL)
        OBJECTS_NOTE_PLACE(self);
    hook_leave(self);
    return result;
}
