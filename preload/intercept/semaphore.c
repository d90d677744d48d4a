/* semaphore.c: sem_*.
 *
 *   wait --> cancellation point --> request --> trywait --took it--> acquired
 *                                                  \--EAGAIN--> block --> real wait --> unblock --0--> acquired
 *
 * The try of an interpreter's lock that would wait if it failed is a request too: runtimes/cpython.h.
 * A named semaphore is one object as long as libc keeps it mapped: sem_open() of the same name gives the same address,
 * and the last sem_close() unmaps it.
 * Source:    POSIX sem_wait (a cancellation point even when it does not wait); glibc nptl/sem_wait.c, sem_open.c.
 */
#include "preload/intercept/deadline.h"
#include "preload/intercept/objects.h"
#include "preload/intercept/traits.h"
#include "preload/intercept/waits.h"
#include "preload/page.h"
#include "preload/raw.h"
#include "preload/runtimes/cpython.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>

struct request {
    sem_t *sem;
    struct deadline deadline;
    enum cpython_intent intent;
};

static inline int request_wait(const struct request *r)
{
    const struct deadline *d = &r->deadline;
    switch (d->form) {
    case DEADLINE_TIMED:
        return real.sem_timedwait(r->sem, d->until);
    case DEADLINE_CLOCK:
        return real.sem_clockwait(r->sem, d->clock, d->until);
    case DEADLINE_NONE:
        break;
    }
    return real.sem_wait(r->sem);
}

static inline int block_until_posted(struct self *self, const struct request *r, struct object *object,
                                     struct stack_id at)
{
    int result;
    emit_block(self, object, LOCK_EXCLUSIVE, r->deadline.form != DEADLINE_NONE, at);
    hook_pause(self);
    pthread_cleanup_push(waits_block_cancelled, self);
    result = request_wait(r);
    pthread_cleanup_pop(0);
    hook_resume(self);
    emit_unblock(self);
    return result;
}

static inline void acquired(struct self *self, struct object *object, enum cpython_intent intent, struct stack_id at)
{
    emit_sem_acquired(self, object, at);
    if (hook_unlikely(intent == CPYTHON_SCOPED))
        emit_sem_scoped(self, object);
}

static inline int take(struct self *self, const struct request *r, uintptr_t frame, struct stack_id at)
{
    struct object *object = objects_find(self, OBJECT_SEMAPHORE, r->sem, frame, at);
    if (hook_unlikely(object == NULL || !deadline_is_valid(&r->deadline))) {
        hook_leave(self);
        return request_wait(r);
    }

    int errno_before = errno;
    emit_sem_request(self, object, r->deadline.form != DEADLINE_NONE, at);
    int result = real.sem_trywait(r->sem);
    if (hook_unlikely(result != 0)) {
        errno = errno_before;
        result = block_until_posted(self, r, object, at);
    }
    if (result == 0)
        acquired(self, object, r->intent, at);
    hook_leave(self);
    return result;
}

HOOK_EXPORT int sem_init(sem_t *sem, int shared, unsigned value)
{
    struct self *self = hook_enter();
    int result = real.sem_init(sem, shared, value);
    if (self == NULL)
        return result;
    if (result == 0)
        objects_init(self, OBJECT_SEMAPHORE, sem, HOOK_FRAME(), cpython_stack(self, HOOK_STACK(self)));
    hook_leave(self);
    return result;
}

HOOK_EXPORT int sem_destroy(sem_t *sem)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.sem_destroy(sem);
    objects_destroy(self, OBJECT_SEMAPHORE, sem, HOOK_FRAME(), HOOK_STACK(self));
    hook_leave(self);
    return real.sem_destroy(sem);
}

HOOK_EXPORT int sem_wait(sem_t *sem)
{
    pthread_testcancel();
    struct self *self = hook_enter();
    if (self == NULL)
        return real.sem_wait(sem);
    struct request r = {sem, {DEADLINE_NONE, 0, NULL}, CPYTHON_TRIES};
    return take(self, &r, HOOK_FRAME(), cpython_wait_stack(self, sem, HOOK_STACK(self), &r.intent));
}

HOOK_EXPORT int sem_timedwait(sem_t *sem, const struct timespec *until)
{
    struct request r = {sem, {DEADLINE_TIMED, 0, until}, CPYTHON_TRIES};
    if (deadline_is_valid(&r.deadline))
        pthread_testcancel(); /* libc looks at the limit before it looks for a cancellation */
    struct self *self = hook_enter();
    if (self == NULL)
        return real.sem_timedwait(sem, until);
    return take(self, &r, HOOK_FRAME(), cpython_wait_stack(self, sem, HOOK_STACK(self), &r.intent));
}

HOOK_EXPORT int sem_clockwait(sem_t *sem, clockid_t clock, const struct timespec *until)
{
    struct request r = {sem, {DEADLINE_CLOCK, clock, until}, CPYTHON_TRIES};
    if (deadline_is_valid(&r.deadline))
        pthread_testcancel();
    struct self *self = hook_enter();
    if (self == NULL)
        return real.sem_clockwait(sem, clock, until);
    return take(self, &r, HOOK_FRAME(), cpython_wait_stack(self, sem, HOOK_STACK(self), &r.intent));
}

HOOK_EXPORT int sem_trywait(sem_t *sem)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.sem_trywait(sem);
    enum cpython_intent intent;
    struct stack_id at = cpython_try_begin(self, HOOK_STACK(self), &intent);
    struct object *object = objects_find(self, OBJECT_SEMAPHORE, sem, HOOK_FRAME(), at);
    if (hook_unlikely(intent != CPYTHON_TRIES) && object != NULL)
        emit_sem_request(self, object, false, at);
    int result = real.sem_trywait(sem);
    if (result != 0)
        cpython_try_failed(self, sem, at, intent);
    else if (object != NULL)
        acquired(self, object, intent, at);
    hook_leave(self);
    return result;
}

HOOK_EXPORT int sem_post(sem_t *sem)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.sem_post(sem);
    struct stack_id at = HOOK_STACK(self);
    struct object *object = objects_find(self, OBJECT_SEMAPHORE, sem, HOOK_FRAME(), at);
    if (object != NULL)
        emit_sem_post(self, object, traits_semaphore_value(sem) == SEM_VALUE_MAX, at);
    hook_leave(self);
    return real.sem_post(sem);
}

/* ---- named semaphores ---- */

static inline void opened(struct self *self, sem_t *sem, uintptr_t frame, struct stack_id at)
{
    if (sem != SEM_FAILED)
        (void)objects_find(self, OBJECT_SEMAPHORE, sem, frame, at);
    hook_leave(self);
}

/* libc reads the two last arguments only with O_CREAT, and nothing else may be there for the others to read. */
#define READ_OPTIONAL_ARGUMENTS(flags, mode, value)                                                                    \
    mode_t mode = 0;                                                                                                   \
    unsigned value = 0;                                                                                                \
    if (((flags)&O_CREAT) != 0) {                                                                                      \
        va_list arguments;                                                                                             \
        va_start(arguments, flags);                                                                                    \
        mode = va_arg(arguments, mode_t);                                                                              \
        value = va_arg(arguments, unsigned);                                                                           \
        va_end(arguments);                                                                                             \
    }

/* sem_open has had three versions with one and the same signature, which differ in where the file lies and how it is
 * made: each is forwarded to its own. */
#define DEFINE_SEM_OPEN(tag, at_version)                                                                               \
    HOOK_EXPORT sem_t *sem_open_##tag(const char *name, int flags, ...);                                               \
    sem_t *sem_open_##tag(const char *name, int flags, ...)                                                            \
    {                                                                                                                  \
        READ_OPTIONAL_ARGUMENTS(flags, mode, value)                                                                    \
        struct self *self = hook_enter();                                                                              \
        sem_t *sem = real.sem_open_##tag(name, flags, mode, value);                                                    \
        if (self != NULL)                                                                                              \
            opened(self, sem, HOOK_FRAME(), HOOK_STACK(self));                                                         \
        return sem;                                                                                                    \
    }                                                                                                                  \
    __asm__(".symver sem_open_" #tag ", sem_open" at_version)

DEFINE_SEM_OPEN(v225, "@GLIBC_2.2.5");
DEFINE_SEM_OPEN(v234, "@GLIBC_2.34");
DEFINE_SEM_OPEN(v243, "@@GLIBC_2.43");

static bool is_mapped(const sem_t *sem)
{
    unsigned char resident;
    return raw_syscall(SYS_mincore, (long)page_of((uintptr_t)sem), PAGE_SIZE, (long)&resident, 0, 0, 0) != -ENOMEM;
}

HOOK_EXPORT int sem_close(sem_t *sem)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.sem_close(sem);
    struct object *object = hook_object(self, sem);
    int result = real.sem_close(sem);
    if (result == 0 && object != NULL && !is_mapped(sem)) {
        emit_object_destroy(self, object, HOOK_STACK(self));
        /* Whatever is mapped there next is another object, and a use of this one would be a fault. */
        emit_object_range_gone(self, (uintptr_t)sem, (uintptr_t)sem + sizeof *sem, false, (struct stack_id){0});
    }
    hook_leave(self);
    return result;
}

/* Takes the name away, not the object: counted among the calls seen, and nothing to tell the detector. */
HOOK_EXPORT int sem_unlink(const char *name)
{
    struct self *self = hook_enter();
    int result = real.sem_unlink(name);
    if (self != NULL) {
        self_count_event(self);
        hook_leave(self);
    }
    return result;
}
