/* mutex.c: pthread_mutex_*.
 *
 * A lock is tried first, so that a wait is published only when it is about to happen; for every type and protocol a
 * successful try is what the blocking call would have done.
 */
#include <errno.h>
#include <limits.h>

#include "detector/thread.h"
#include "preload/intercept/deadline.h"
#include "preload/intercept/objects.h"
#include "preload/intercept/traits.h"

/* The owner that glibc writes into a robust mutex that nobody made consistent.  Locking it fails at once; trying to lock
 * it fails, too, but leaves it locked (pthread_mutex_trylock.c), so it is not tried. */
enum { OWNER_NOT_RECOVERABLE = INT_MAX - 1 };

static int really_lock(pthread_mutex_t *mutex, const struct deadline *deadline)
{
    switch (deadline->form) {
    case DEADLINE_TIMED:
        return real.pthread_mutex_timedlock(mutex, deadline->until);
    case DEADLINE_CLOCK:
        return real.pthread_mutex_clocklock(mutex, deadline->clock, deadline->until);
    case DEADLINE_NONE:
        break;
    }
    return real.pthread_mutex_lock(mutex);
}

/* An error-checking mutex that the caller holds is refused with EDEADLK: no wait. */
static bool is_refused(const struct self *self, const pthread_mutex_t *mutex)
{
    return (mutex->__data.__kind & MUTEX_TYPE_BITS) == PTHREAD_MUTEX_ERRORCHECK && mutex->__data.__owner == self->tid;
}

static __attribute__((noinline)) int wait_for_mutex(struct self *self, struct object *object, pthread_mutex_t *mutex,
                                                    const struct deadline *deadline, struct stack_id at)
{
    if (is_refused(self, mutex))
        return really_lock(mutex, deadline);
    emit_block(self, object, LOCK_EXCLUSIVE, deadline->form != DEADLINE_NONE, at);
    hook_pause(self);
    int result = really_lock(mutex, deadline);
    hook_resume(self);
    emit_unblock(self);
    return result;
}

/* Held by the caller as the books have it, or by a thread that a fork left behind, and free all the same: the program has
 * assigned an initialiser to it.  (Of a thread that lives the two could change between the looks.) */
static inline bool was_assigned(const struct self *self, const struct object *object, const pthread_mutex_t *mutex)
{
    return *(volatile const int *)&mutex->__data.__lock == 0 &&
           (thread_owns(self->thread, object) || object_alert_any(object, OBJECT_ALERT_ORPHANED));
}

/* What the books have of it was about another mutex. */
static __attribute__((noinline)) struct object *find_anew(struct self *self, pthread_mutex_t *mutex, uintptr_t frame,
                                                          struct stack_id at)
{
    emit_object_range_gone(self, (uintptr_t)mutex, (uintptr_t)(mutex + 1), false, at);
    return objects_find(self, OBJECT_MUTEX, mutex, frame, at);
}

static inline struct object *find(struct self *self, pthread_mutex_t *mutex, uintptr_t frame, struct stack_id at)
{
    struct object *object = objects_find(self, OBJECT_MUTEX, mutex, frame, at);
    if (hook_unlikely(object != NULL && was_assigned(self, object, mutex)))
        return find_anew(self, mutex, frame, at);
    return object;
}

static inline int lock(struct self *self, pthread_mutex_t *mutex, const struct deadline *deadline, uintptr_t frame,
                       struct stack_id at)
{
    struct object *object = find(self, mutex, frame, at);
    if (hook_unlikely(object == NULL)) {
        hook_leave(self);
        return really_lock(mutex, deadline);
    }
    emit_lock_request(self, object, LOCK_EXCLUSIVE, deadline->form != DEADLINE_NONE, at);
    bool is_lost = mutex->__data.__owner == OWNER_NOT_RECOVERABLE;
    int result = hook_unlikely(is_lost) ? really_lock(mutex, deadline) : real.pthread_mutex_trylock(mutex);
    if (hook_unlikely(result == EBUSY))
        result = wait_for_mutex(self, object, mutex, deadline, at);
    if (hook_likely(result == 0 || result == EOWNERDEAD))
        emit_lock_acquired(self, object, LOCK_EXCLUSIVE, result == EOWNERDEAD, at);
    hook_leave(self);
    return result;
}

HOOK_EXPORT int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    struct self *self = hook_enter();
    if (hook_unlikely(self == NULL))
        return real.pthread_mutex_lock(mutex);
    return lock(self, mutex, &(struct deadline){.form = DEADLINE_NONE}, HOOK_FRAME(), HOOK_STACK(self));
}

HOOK_EXPORT int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *until)
{
    struct self *self = hook_enter();
    if (hook_unlikely(self == NULL))
        return real.pthread_mutex_timedlock(mutex, until);
    struct deadline deadline = {.form = DEADLINE_TIMED, .until = until};
    return lock(self, mutex, &deadline, HOOK_FRAME(), HOOK_STACK(self));
}

HOOK_EXPORT int pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *until)
{
    struct self *self = deadline_clock_is_known(clock) ? hook_enter() : NULL;
    if (hook_unlikely(self == NULL))
        return real.pthread_mutex_clocklock(mutex, clock, until);
    struct deadline deadline = {.form = DEADLINE_CLOCK, .clock = clock, .until = until};
    return lock(self, mutex, &deadline, HOOK_FRAME(), HOOK_STACK(self));
}

HOOK_EXPORT int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    struct self *self = hook_enter();
    if (hook_unlikely(self == NULL))
        return real.pthread_mutex_trylock(mutex);
    struct stack_id at = HOOK_STACK(self);
    struct object *object = find(self, mutex, HOOK_FRAME(), at);
    int result = real.pthread_mutex_trylock(mutex);
    if (object != NULL && (result == 0 || result == EOWNERDEAD))
        emit_lock_acquired(self, object, LOCK_EXCLUSIVE, result == EOWNERDEAD, at);
    hook_leave(self);
    return result;
}

HOOK_EXPORT int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    struct self *self = hook_enter();
    if (hook_unlikely(self == NULL))
        return real.pthread_mutex_unlock(mutex);
    struct object *object = objects_release_quickly(self, OBJECT_MUTEX, mutex, HOOK_FRAME());
    if (hook_unlikely(object == NULL))
        object = objects_release(self, OBJECT_MUTEX, mutex, HOOK_FRAME(), HOOK_STACK(self));
    int result = real.pthread_mutex_unlock(mutex);
    if (object != NULL)
        OBJECTS_NOTE_PLACE(self);
    if (hook_unlikely(result != 0 && object != NULL))
        emit_lock_unrelease(self, object);
    hook_leave(self);
    return result;
}

HOOK_EXPORT int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attr)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_mutex_init(mutex, attr);
    struct stack_id at = HOOK_STACK(self);
    int result = real.pthread_mutex_init(mutex, attr);
    if (result == 0)
        objects_init(self, OBJECT_MUTEX, mutex, HOOK_FRAME(), at);
    hook_leave(self);
    return result;
}

HOOK_EXPORT int pthread_mutex_destroy(pthread_mutex_t *mutex)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_mutex_destroy(mutex);
    struct stack_id at = HOOK_STACK(self);
    objects_destroy(self, OBJECT_MUTEX, mutex, HOOK_FRAME(), at);
    int result = real.pthread_mutex_destroy(mutex);
    hook_leave(self);
    return result;
}

HOOK_EXPORT int pthread_mutex_consistent(pthread_mutex_t *mutex)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_mutex_consistent(mutex);
    struct object *object = objects_find(self, OBJECT_MUTEX, mutex, HOOK_FRAME(), HOOK_STACK(self));
    int result = real.pthread_mutex_consistent(mutex);
    if (result == 0 && object != NULL)
        emit_mutex_consistent(self, object);
    hook_leave(self);
    return result;
}

/* Locks and unlocks the mutex within; nothing else can happen in between, so it is only checked to be a mutex. */
HOOK_EXPORT int pthread_mutex_setprioceiling(pthread_mutex_t *mutex, int ceiling, int *old)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_mutex_setprioceiling(mutex, ceiling, old);
    (void)objects_find(self, OBJECT_MUTEX, mutex, HOOK_FRAME(), HOOK_STACK(self));
    hook_pause(self);
    int result = real.pthread_mutex_setprioceiling(mutex, ceiling, old);
    hook_resume(self);
    hook_leave(self);
    return result;
}

/* The names under which libc's mutexes were known to other libraries. */
HOOK_ALIAS(__pthread_mutex_init, pthread_mutex_init);
HOOK_ALIAS(__pthread_mutex_destroy, pthread_mutex_destroy);
HOOK_ALIAS(__pthread_mutex_lock, pthread_mutex_lock);
HOOK_ALIAS(__pthread_mutex_trylock, pthread_mutex_trylock);
HOOK_ALIAS(__pthread_mutex_unlock, pthread_mutex_unlock);

/* The header declares this one as a second C name of the symbol without _np: the symbol with it is made by hand. */
HOOK_EXPORT __typeof__(pthread_mutex_consistent) mutex_consistent_np __asm__("pthread_mutex_consistent_np")
    HOOK_AS(pthread_mutex_consistent);
