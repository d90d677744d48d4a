/* barrier.c: pthread_barrier_*: what every party did before arriving comes before what every party does after. */
#include "preload/intercept/objects.h"

HOOK_EXPORT int pthread_barrier_init(pthread_barrier_t *barrier, const pthread_barrierattr_t *attr, unsigned count)
{
    struct self *self = hook_enter();
    int result = real.pthread_barrier_init(barrier, attr, count);
    if (self == NULL)
        return result;
    if (result == 0)
        objects_init(self, OBJECT_BARRIER, barrier, HOOK_FRAME(), HOOK_STACK(self));
    hook_leave(self);
    return result;
}

HOOK_EXPORT int pthread_barrier_destroy(pthread_barrier_t *barrier)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_barrier_destroy(barrier);
    objects_destroy(self, OBJECT_BARRIER, barrier, HOOK_FRAME(), HOOK_STACK(self));
    hook_leave(self);
    return real.pthread_barrier_destroy(barrier);
}

HOOK_EXPORT int pthread_barrier_wait(pthread_barrier_t *barrier)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_barrier_wait(barrier);
    struct stack_id at = HOOK_STACK(self);
    struct object *object = objects_find(self, OBJECT_BARRIER, barrier, HOOK_FRAME(), at);
    if (hook_unlikely(object == NULL)) {
        hook_leave(self);
        return real.pthread_barrier_wait(barrier);
    }

    emit_barrier_arrive(self, object, at);
    hook_pause(self);
    int result = real.pthread_barrier_wait(barrier);
    hook_resume(self);
    emit_barrier_leave(self, object);
    hook_leave(self);
    return result;
}
