/* cond.c: pthread_cond_*, in both ABI versions.
 *
 *   wait --> model: release mutex, sleep --> real wait --> model: mutex held again
 *
 * Version 2.2.5 of these functions takes a pthread_cond_t that only points to the real one, made at first use; a caller
 * of that version must reach libc's code of that version, so the hooks exist twice.  The detector knows the object by
 * the program's address, which is the same in both.
 * Source:    glibc nptl/pthread_cond_wait.c, old_pthread_cond_wait.c.
 */
#include "preload/intercept/deadline.h"
#include "preload/intercept/objects.h"
#include "preload/intercept/waits.h"

#include <errno.h>

/* The names that the linker exports as name@version, from hooks.def. */
#define HOOK(result, name, version, parameters, arguments)
#define HOOK_OPTIONAL(result, name, version, parameters, arguments)
#define HOOK_VERSIONED(result, name, tag, version, parameters, arguments) HOOK_EXPORT result name##_##tag parameters;
#include "preload/hooks.def"
#undef HOOK
#undef HOOK_OPTIONAL
#undef HOOK_VERSIONED

#define EXPORT_NEW(name) __asm__(".symver " #name "_new, " #name "@@GLIBC_2.3.2")
#define EXPORT_OLD(name) __asm__(".symver " #name "_old, " #name "@GLIBC_2.2.5")

struct request {
    pthread_cond_t *cond;
    pthread_mutex_t *mutex;
    bool is_old;
    struct deadline deadline;
};

static inline int request_wait(const struct request *r)
{
    const struct deadline *d = &r->deadline;
    switch (d->form) {
    case DEADLINE_TIMED:
        return r->is_old ? real.pthread_cond_timedwait_old(r->cond, r->mutex, d->until)
                         : real.pthread_cond_timedwait_new(r->cond, r->mutex, d->until);
    case DEADLINE_CLOCK:
        return real.pthread_cond_clockwait(r->cond, r->mutex, d->clock, d->until);
    case DEADLINE_NONE:
        break;
    }
    return r->is_old ? real.pthread_cond_wait_old(r->cond, r->mutex) : real.pthread_cond_wait_new(r->cond, r->mutex);
}

static inline int wait_for(struct self *self, const struct request *r, uintptr_t frame, struct stack_id at)
{
    struct condition_wait wait = {
        .self = self,
        .mutex = objects_find(self, OBJECT_MUTEX, r->mutex, frame, at),
        .cond = objects_find(self, OBJECT_COND, r->cond, frame, at),
        .at = at,
    };
    if (hook_unlikely(wait.mutex == NULL || wait.cond == NULL)) {
        hook_leave(self);
        return request_wait(r);
    }

    int result;
    waits_condition_begin(&wait, r->deadline.form != DEADLINE_NONE);
    pthread_cleanup_push(waits_condition_cancelled, &wait);
    result = request_wait(r);
    pthread_cleanup_pop(0);
    bool is_held = result != EPERM && result != ENOTRECOVERABLE;
    waits_condition_end(&wait, result == 0, result == EOWNERDEAD, is_held);
    return result;
}

/* Both versions of a hook; `is_old` is of the second. */
#define DEFINE_VERSIONS(name, DEFINE)                                                                                  \
    DEFINE(name##_new, false)                                                                                          \
    EXPORT_NEW(name);                                                                                                  \
    DEFINE(name##_old, true)                                                                                           \
    EXPORT_OLD(name)

#define DEFINE_INIT(hook, is_old)                                                                                      \
    int hook(pthread_cond_t *cond, const pthread_condattr_t *attr)                                                     \
    {                                                                                                                  \
        struct self *self = hook_enter();                                                                              \
        int result = real.hook(cond, attr);                                                                            \
        if (self == NULL)                                                                                              \
            return result;                                                                                             \
        if (result == 0)                                                                                               \
            objects_init(self, OBJECT_COND, cond, HOOK_FRAME(), HOOK_STACK(self));                                     \
        hook_leave(self);                                                                                              \
        return result;                                                                                                 \
    }

#define DEFINE_DESTROY(hook, is_old)                                                                                   \
    int hook(pthread_cond_t *cond)                                                                                     \
    {                                                                                                                  \
        struct self *self = hook_enter();                                                                              \
        if (self == NULL)                                                                                              \
            return real.hook(cond);                                                                                    \
        objects_destroy(self, OBJECT_COND, cond, HOOK_FRAME(), HOOK_STACK(self));                                      \
        hook_leave(self);                                                                                              \
        return real.hook(cond);                                                                                        \
    }

#define DEFINE_WAIT(hook, is_old)                                                                                      \
    int hook(pthread_cond_t *cond, pthread_mutex_t *mutex)                                                             \
    {                                                                                                                  \
        struct self *self = hook_enter();                                                                              \
        if (self == NULL)                                                                                              \
            return real.hook(cond, mutex);                                                                             \
        const struct request r = {cond, mutex, is_old, {DEADLINE_NONE, 0, NULL}};                                      \
        return wait_for(self, &r, HOOK_FRAME(), HOOK_STACK(self));                                                     \
    }

#define DEFINE_TIMEDWAIT(hook, is_old)                                                                                 \
    int hook(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until)                               \
    {                                                                                                                  \
        struct self *self = hook_enter();                                                                              \
        if (self == NULL)                                                                                              \
            return real.hook(cond, mutex, until);                                                                      \
        const struct request r = {cond, mutex, is_old, {DEADLINE_TIMED, 0, until}};                                    \
        return wait_for(self, &r, HOOK_FRAME(), HOOK_STACK(self));                                                     \
    }

#define DEFINE_SIGNALLING(hook, is_broadcast)                                                                          \
    int hook(pthread_cond_t *cond)                                                                                     \
    {                                                                                                                  \
        struct self *self = hook_enter();                                                                              \
        if (self != NULL)                                                                                              \
            waits_condition_signal(self, cond, is_broadcast, HOOK_FRAME(), HOOK_STACK(self));                          \
        return real.hook(cond);                                                                                        \
    }
#define DEFINE_SIGNAL(hook, is_old)    DEFINE_SIGNALLING(hook, false)
#define DEFINE_BROADCAST(hook, is_old) DEFINE_SIGNALLING(hook, true)

DEFINE_VERSIONS(pthread_cond_init, DEFINE_INIT);
DEFINE_VERSIONS(pthread_cond_destroy, DEFINE_DESTROY);
DEFINE_VERSIONS(pthread_cond_wait, DEFINE_WAIT);
DEFINE_VERSIONS(pthread_cond_timedwait, DEFINE_TIMEDWAIT);
DEFINE_VERSIONS(pthread_cond_signal, DEFINE_SIGNAL);
DEFINE_VERSIONS(pthread_cond_broadcast, DEFINE_BROADCAST);

HOOK_EXPORT int pthread_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock,
                                       const struct timespec *until)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_cond_clockwait(cond, mutex, clock, until);
    const struct request r = {cond, mutex, false, {DEADLINE_CLOCK, clock, until}};
    return wait_for(self, &r, HOOK_FRAME(), HOOK_STACK(self));
}
