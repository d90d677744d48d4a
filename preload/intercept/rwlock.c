/* rwlock.c: pthread_rwlock_*.
 *
 *   rdlock --> request --> try --took it--> acquired
 *                            \--would block--> block --> real wait --> unblock --took it--> acquired
 *
 * Model:     glibc's try forms succeed exactly where the blocking forms would not wait, for every preference.
 *            What the caller write-locked itself glibc refuses with EDEADLK: a request, but no wait.
 * Source:    glibc nptl/pthread_rwlock_common.c.
 */
#include "detector/thread.h"
#include "preload/intercept/deadline.h"
#include "preload/intercept/objects.h"

#include <errno.h>

struct request {
    pthread_rwlock_t *lock;
    enum lock_mode mode;
    struct deadline deadline;
};

static inline int request_try(const struct request *r)
{
    return r->mode == LOCK_SHARED ? real.pthread_rwlock_tryrdlock(r->lock) : real.pthread_rwlock_trywrlock(r->lock);
}

static inline int request_wait(const struct request *r)
{
    const struct deadline *d = &r->deadline;
    bool shared = r->mode == LOCK_SHARED;
    switch (d->form) {
    case DEADLINE_TIMED:
        return shared ? real.pthread_rwlock_timedrdlock(r->lock, d->until)
                      : real.pthread_rwlock_timedwrlock(r->lock, d->until);
    case DEADLINE_CLOCK:
        return shared ? real.pthread_rwlock_clockrdlock(r->lock, d->clock, d->until)
                      : real.pthread_rwlock_clockwrlock(r->lock, d->clock, d->until);
    case DEADLINE_NONE:
        break;
    }
    return shared ? real.pthread_rwlock_rdlock(r->lock) : real.pthread_rwlock_wrlock(r->lock);
}

/* As in mutex.c: the program has assigned an initialiser.  While somebody holds the lock the word is never 0. */
static inline bool was_assigned(const struct self *self, const struct object *object, const pthread_rwlock_t *lock)
{
    return *(volatile const unsigned *)&lock->__data.__readers == 0 &&
           (thread_owns(self->thread, object) || object_alert_any(object, OBJECT_ALERT_ORPHANED));
}

static inline struct object *find(struct self *self, pthread_rwlock_t *lock, uintptr_t frame, struct stack_id at)
{
    struct object *object = objects_find(self, OBJECT_RWLOCK, lock, frame, at);
    if (hook_likely(object == NULL || !was_assigned(self, object, lock)))
        return object;
    emit_object_range_gone(self, (uintptr_t)lock, (uintptr_t)(lock + 1), false, at);
    return objects_find(self, OBJECT_RWLOCK, lock, frame, at);
}

static inline int take(struct self *self, const struct request *r, uintptr_t frame, struct stack_id at)
{
    bool timed = r->deadline.form != DEADLINE_NONE;
    struct object *object = find(self, r->lock, frame, at);
    if (hook_unlikely(object == NULL || !deadline_is_valid(&r->deadline))) {
        hook_leave(self);
        return request_wait(r);
    }

    emit_lock_request(self, object, r->mode, timed, at);
    bool is_own = r->lock->__data.__cur_writer == self->tid;
    int result = is_own ? request_wait(r) : request_try(r);
    if (hook_unlikely(result == EBUSY)) {
        emit_block(self, object, r->mode, timed, at);
        hook_pause(self);
        result = request_wait(r);
        hook_resume(self);
        emit_unblock(self);
    }
    if (result == 0)
        emit_lock_acquired(self, object, r->mode, false, at);
    hook_leave(self);
    return result;
}

static inline int try_take(struct self *self, const struct request *r, uintptr_t frame, struct stack_id at)
{
    struct object *object = find(self, r->lock, frame, at);
    int result = request_try(r);
    if (result == 0 && object != NULL)
        emit_lock_acquired(self, object, r->mode, false, at);
    hook_leave(self);
    return result;
}

HOOK_EXPORT int pthread_rwlock_init(pthread_rwlock_t *lock, const pthread_rwlockattr_t *attr)
{
    struct self *self = hook_enter();
    int result = real.pthread_rwlock_init(lock, attr);
    if (self == NULL)
        return result;
    if (result == 0)
        objects_init(self, OBJECT_RWLOCK, lock, HOOK_FRAME(), HOOK_STACK(self));
    hook_leave(self);
    return result;
}

HOOK_EXPORT int pthread_rwlock_destroy(pthread_rwlock_t *lock)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_rwlock_destroy(lock);
    objects_destroy(self, OBJECT_RWLOCK, lock, HOOK_FRAME(), HOOK_STACK(self));
    hook_leave(self);
    return real.pthread_rwlock_destroy(lock);
}

HOOK_EXPORT int pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_rwlock_rdlock(lock);
    const struct request r = {lock, LOCK_SHARED, {DEADLINE_NONE, 0, NULL}};
    return take(self, &r, HOOK_FRAME(), HOOK_STACK(self));
}

HOOK_EXPORT int pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_rwlock_wrlock(lock);
    const struct request r = {lock, LOCK_EXCLUSIVE, {DEADLINE_NONE, 0, NULL}};
    return take(self, &r, HOOK_FRAME(), HOOK_STACK(self));
}

HOOK_EXPORT int pthread_rwlock_tryrdlock(pthread_rwlock_t *lock)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_rwlock_tryrdlock(lock);
    const struct request r = {lock, LOCK_SHARED, {DEADLINE_NONE, 0, NULL}};
    return try_take(self, &r, HOOK_FRAME(), HOOK_STACK(self));
}

HOOK_EXPORT int pthread_rwlock_trywrlock(pthread_rwlock_t *lock)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_rwlock_trywrlock(lock);
    const struct request r = {lock, LOCK_EXCLUSIVE, {DEADLINE_NONE, 0, NULL}};
    return try_take(self, &r, HOOK_FRAME(), HOOK_STACK(self));
}

HOOK_EXPORT int pthread_rwlock_timedrdlock(pthread_rwlock_t *lock, const struct timespec *until)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_rwlock_timedrdlock(lock, until);
    const struct request r = {lock, LOCK_SHARED, {DEADLINE_TIMED, 0, until}};
    return take(self, &r, HOOK_FRAME(), HOOK_STACK(self));
}

HOOK_EXPORT int pthread_rwlock_timedwrlock(pthread_rwlock_t *lock, const struct timespec *until)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_rwlock_timedwrlock(lock, until);
    const struct request r = {lock, LOCK_EXCLUSIVE, {DEADLINE_TIMED, 0, until}};
    return take(self, &r, HOOK_FRAME(), HOOK_STACK(self));
}

HOOK_EXPORT int pthread_rwlock_clockrdlock(pthread_rwlock_t *lock, clockid_t clock, const struct timespec *until)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_rwlock_clockrdlock(lock, clock, until);
    const struct request r = {lock, LOCK_SHARED, {DEADLINE_CLOCK, clock, until}};
    return take(self, &r, HOOK_FRAME(), HOOK_STACK(self));
}

HOOK_EXPORT int pthread_rwlock_clockwrlock(pthread_rwlock_t *lock, clockid_t clock, const struct timespec *until)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_rwlock_clockwrlock(lock, clock, until);
    const struct request r = {lock, LOCK_EXCLUSIVE, {DEADLINE_CLOCK, clock, until}};
    return take(self, &r, HOOK_FRAME(), HOOK_STACK(self));
}

HOOK_EXPORT int pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_rwlock_unlock(lock);
    struct object *object = objects_release_quickly(self, OBJECT_RWLOCK, lock, HOOK_FRAME());
    if (hook_unlikely(object == NULL))
        object = objects_release(self, OBJECT_RWLOCK, lock, HOOK_FRAME(), HOOK_STACK(self));
    int result = real.pthread_rwlock_unlock(lock);
    if (object != NULL)
        OBJECTS_NOTE_PLACE(self);
    if (result != 0 && object != NULL)
        emit_lock_unrelease(self, object);
    hook_leave(self);
    return result;
}

/* The names that programs linked before glibc 2.34 may call. */
HOOK_ALIAS(__pthread_rwlock_init, pthread_rwlock_init);
HOOK_ALIAS(__pthread_rwlock_destroy, pthread_rwlock_destroy);
HOOK_ALIAS(__pthread_rwlock_rdlock, pthread_rwlock_rdlock);
HOOK_ALIAS(__pthread_rwlock_wrlock, pthread_rwlock_wrlock);
HOOK_ALIAS(__pthread_rwlock_tryrdlock, pthread_rwlock_tryrdlock);
HOOK_ALIAS(__pthread_rwlock_trywrlock, pthread_rwlock_trywrlock);
HOOK_ALIAS(__pthread_rwlock_unlock, pthread_rwlock_unlock);
