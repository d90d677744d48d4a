/* barrier.c: pthread_barrier_*: what every party did before arriving comes before what every party does after. */

#include "preload/intercept/objects.h"
#include "preload/raw.h"

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

/* Returns: NULL also of no address, which the header's attribute of the calls keeps from being asked there. */
static const struct object *find(struct self *self, const void *place, uintptr_t frame, struct stack_id at)
{
    return place == NULL ? NULL : objects_find(self, OBJECT_BARRIER, place, frame, at);
}

/* The real call waits for those on their way out of it as well, but not for what their hooks do then.  One that has lost its processor
 * may take its time; one that a handler has led elsewhere never comes. */
static void wait_for_leavers(struct self *self, const struct object *object)
{
    enum { LOOKS = 100, QUICK_LOOKS = 20, PAUSE_MS = 1 };
    if (object == NULL || !detector_barrier_is_being_left(object))
        return;
    hook_pause(self);
    for (int look = 0; look < LOOKS && detector_barrier_is_being_left(object); look++)
        if (look < QUICK_LOOKS)
            raw_syscall(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
        else
            raw_pause_ms(PAUSE_MS);
    hook_resume(self);
}

HOOK_EXPORT int pthread_barrier_destroy(pthread_barrier_t *barrier)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_barrier_destroy(barrier);
    struct stack_id at = HOOK_STACK(self);
    wait_for_leavers(self, find(self, barrier, HOOK_FRAME(), at));
    objects_destroy(self, OBJECT_BARRIER, barrier, HOOK_FRAME(), at);
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
