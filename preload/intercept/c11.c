/* c11.c: mtx_* and cnd_* of <threads.h>.
 *
 * libc's own mtx_lock() calls pthread_mutex_lock() by an internal name, so these are hooked by themselves.  The objects
 * are pthread_mutex_t and pthread_cond_t underneath, and the detector knows them as such; only the results differ.
 * Source:    C11 7.26; glibc sysdeps/pthread/mtx_lock.c, cnd_wait.c, thrd_priv.h.
 */
#include "preload/intercept/objects.h"
#include "preload/intercept/waits.h"

HOOK_EXPORT int mtx_init(mtx_t *mutex, int type)
{
    struct self *self = hook_enter();
    int result = real.mtx_init(mutex, type);
    if (self == NULL)
        return result;
    if (result == thrd_success)
        objects_init(self, OBJECT_MUTEX, mutex, HOOK_FRAME(), HOOK_STACK(self));
    hook_leave(self);
    return result;
}

HOOK_EXPORT void mtx_destroy(mtx_t *mutex)
{
    struct self *self = hook_enter();
    if (self != NULL) {
        objects_destroy(self, OBJECT_MUTEX, mutex, HOOK_FRAME(), HOOK_STACK(self));
        hook_leave(self);
    }
    real.mtx_destroy(mutex);
}

static inline int wait_for_mutex(mtx_t *mutex, bool timed, const struct timespec *until)
{
    return timed ? real.mtx_timedlock(mutex, until) : real.mtx_lock(mutex);
}

static inline int take(struct self *self, mtx_t *mutex, bool timed, const struct timespec *until, uintptr_t frame,
                       struct stack_id at)
{
    struct object *object = objects_find(self, OBJECT_MUTEX, mutex, frame, at);
    if (hook_unlikely(object == NULL)) {
        hook_leave(self);
        return wait_for_mutex(mutex, timed, until);
    }

    emit_lock_request(self, object, LOCK_EXCLUSIVE, timed, at);
    int result = real.mtx_trylock(mutex);
    if (hook_unlikely(result == thrd_busy)) {
        emit_block(self, object, LOCK_EXCLUSIVE, timed, at);
        hook_pause(self);
        result = wait_for_mutex(mutex, timed, until);
        hook_resume(self);
        emit_unblock(self);
    }
    if (result == thrd_success)
        emit_lock_acquired(self, object, LOCK_EXCLUSIVE, false, at);
    hook_leave(self);
    return result;
}

HOOK_EXPORT int mtx_lock(mtx_t *mutex)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.mtx_lock(mutex);
    return take(self, mutex, false, NULL, HOOK_FRAME(), HOOK_STACK(self));
}

HOOK_EXPORT int mtx_timedlock(mtx_t *mutex, const struct timespec *until)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.mtx_timedlock(mutex, until);
    return take(self, mutex, true, until, HOOK_FRAME(), HOOK_STACK(self));
}

HOOK_EXPORT int mtx_trylock(mtx_t *mutex)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.mtx_trylock(mutex);
    struct stack_id at = HOOK_STACK(self);
    struct object *object = objects_find(self, OBJECT_MUTEX, mutex, HOOK_FRAME(), at);
    int result = real.mtx_trylock(mutex);
    if (result == thrd_success && object != NULL)
        emit_lock_acquired(self, object, LOCK_EXCLUSIVE, false, at);
    hook_leave(self);
    return result;
}

HOOK_EXPORT int mtx_unlock(mtx_t *mutex)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.mtx_unlock(mutex);
    struct object *object = objects_release_quickly(self, OBJECT_MUTEX, mutex, HOOK_FRAME());
    if (hook_unlikely(object == NULL))
        object = objects_release(self, OBJECT_MUTEX, mutex, HOOK_FRAME(), HOOK_STACK(self));
    int result = real.mtx_unlock(mutex);
    if (object != NULL)
        OBJECTS_NOTE_PLACE(self);
    if (result != thrd_success && object != NULL)
        emit_lock_unrelease(self, object);
    hook_leave(self);
    return result;
}

HOOK_EXPORT int cnd_init(cnd_t *cond)
{
    struct self *self = hook_enter();
    int result = real.cnd_init(cond);
    if (self == NULL)
        return result;
    if (result == thrd_success)
        objects_init(self, OBJECT_COND, cond, HOOK_FRAME(), HOOK_STACK(self));
    hook_leave(self);
    return result;
}

HOOK_EXPORT void cnd_destroy(cnd_t *cond)
{
    struct self *self = hook_enter();
    if (self != NULL) {
        objects_destroy(self, OBJECT_COND, cond, HOOK_FRAME(), HOOK_STACK(self));
        hook_leave(self);
    }
    real.cnd_destroy(cond);
}

static inline int wait_for_signal(cnd_t *cond, mtx_t *mutex, bool timed, const struct timespec *until)
{
    return timed ? real.cnd_timedwait(cond, mutex, until) : real.cnd_wait(cond, mutex);
}

static inline int wait_for(struct condition_wait *wait, cnd_t *cond, mtx_t *mutex, bool timed,
                           const struct timespec *until)
{
    if (hook_unlikely(wait->mutex == NULL || wait->cond == NULL)) {
        hook_leave(wait->self);
        return wait_for_signal(cond, mutex, timed, until);
    }
    int result;
    waits_condition_begin(wait, timed);
    pthread_cleanup_push(waits_condition_cancelled, wait);
    result = wait_for_signal(cond, mutex, timed, until);
    pthread_cleanup_pop(0);
    waits_condition_end(wait, result == thrd_success, false, true);
    return result;
}

static inline struct condition_wait find_objects(struct self *self, cnd_t *cond, mtx_t *mutex, uintptr_t frame,
                                                 struct stack_id at)
{
    return (struct condition_wait){
        .self = self,
        .mutex = objects_find(self, OBJECT_MUTEX, mutex, frame, at),
        .cond = objects_find(self, OBJECT_COND, cond, frame, at),
        .at = at,
    };
}

HOOK_EXPORT int cnd_wait(cnd_t *cond, mtx_t *mutex)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.cnd_wait(cond, mutex);
    struct condition_wait wait = find_objects(self, cond, mutex, HOOK_FRAME(), HOOK_STACK(self));
    return wait_for(&wait, cond, mutex, false, NULL);
}

HOOK_EXPORT int cnd_timedwait(cnd_t *cond, mtx_t *mutex, const struct timespec *until)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.cnd_timedwait(cond, mutex, until);
    struct condition_wait wait = find_objects(self, cond, mutex, HOOK_FRAME(), HOOK_STACK(self));
    return wait_for(&wait, cond, mutex, true, until);
}

HOOK_EXPORT int cnd_signal(cnd_t *cond)
{
    struct self *self = hook_enter();
    if (self != NULL)
        waits_condition_signal(self, cond, false, HOOK_FRAME(), HOOK_STACK(self));
    return real.cnd_signal(cond);
}

HOOK_EXPORT int cnd_broadcast(cnd_t *cond)
{
    struct self *self = hook_enter();
    if (self != NULL)
        waits_condition_signal(self, cond, true, HOOK_FRAME(), HOOK_STACK(self));
    return real.cnd_broadcast(cond);
}
