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

static inline void signal_it(struct self *self, pthread_cond_t *cond, bool broadcast, uintptr_t frame,
                             struct stack_id at)
{
    struct object *object = objects_find(self, OBJECT_COND, cond, frame, at);
    if (object != NULL) {
        emit_cond_signal(self, object, broadcast, at);
        objects_signalled(self, cond, at);
    }
    hook_leave(self);
}

int pthread_cond_init_new(pthread_cond_t *cond, const pthread_condattr_t *attr)
{
    struct self *self = hook_enter();
    int result = real.pthread_cond_init_new(cond, attr);
    if (self == NULL)
        return result;
    if (result == 0)
        objects_init(self, OBJECT_COND, cond, HOOK_FRAME(), HOOK_STACK(self));
    hook_leave(self);
    return result;
}
EXPORT_NEW(pthread_cond_init);

int pthread_cond_init_old(pthread_cond_t *cond, const pthread_condattr_t *attr)
{
    struct self *self = hook_enter();
    int result = real.pthread_cond_init_old(cond, attr);
    if (self == NULL)
        return result;
    if (result == 0)
        objects_init(self, OBJECT_COND, cond, HOOK_FRAME(), HOOK_STACK(self));
    hook_leave(self);
    return result;
}
EXPORT_OLD(pthread_cond_init);

int pthread_cond_destroy_new(pthread_cond_t *cond)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_cond_destroy_new(cond);
    objects_destroy(self, OBJECT_COND, cond, HOOK_FRAME(), HOOK_STACK(self));
    hook_leave(self);
    return real.pthread_cond_destroy_new(cond);
}
EXPORT_NEW(pthread_cond_destroy);

int pthread_cond_destroy_old(pthread_cond_t *cond)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_cond_destroy_old(cond);
    objects_destroy(self, OBJECT_COND, cond, HOOK_FRAME(), HOOK_STACK(self));
    hook_leave(self);
    return real.pthread_cond_destroy_old(cond);
}
EXPORT_OLD(pthread_cond_destroy);

int pthread_cond_wait_new(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_cond_wait_new(cond, mutex);
    const struct request r = {cond, mutex, false, {DEADLINE_NONE, 0, NULL}};
    return wait_for(self, &r, HOOK_FRAME(), HOOK_STACK(self));
}
EXPORT_NEW(pthread_cond_wait);

int pthread_cond_wait_old(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_cond_wait_old(cond, mutex);
    const struct request r = {cond, mutex, true, {DEADLINE_NONE, 0, NULL}};
    return wait_for(self, &r, HOOK_FRAME(), HOOK_STACK(self));
}
EXPORT_OLD(pthread_cond_wait);

int pthread_cond_timedwait_new(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_cond_timedwait_new(cond, mutex, until);
    const struct request r = {cond, mutex, false, {DEADLINE_TIMED, 0, until}};
    return wait_for(self, &r, HOOK_FRAME(), HOOK_STACK(self));
}
EXPORT_NEW(pthread_cond_timedwait);

int pthread_cond_timedwait_old(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_cond_timedwait_old(cond, mutex, until);
    const struct request r = {cond, mutex, true, {DEADLINE_TIMED, 0, until}};
    return wait_for(self, &r, HOOK_FRAME(), HOOK_STACK(self));
}
EXPORT_OLD(pthread_cond_timedwait);

HOOK_EXPORT int pthread_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock,
                                       const struct timespec *until)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_cond_clockwait(cond, mutex, clock, until);
    const struct request r = {cond, mutex, false, {DEADLINE_CLOCK, clock, until}};
    return wait_for(self, &r, HOOK_FRAME(), HOOK_STACK(self));
}

int pthread_cond_signal_new(pthread_cond_t *cond)
{
    struct self *self = hook_enter();
    if (self != NULL)
        signal_it(self, cond, false, HOOK_FRAME(), HOOK_STACK(self));
    return real.pthread_cond_signal_new(cond);
}
EXPORT_NEW(pthread_cond_signal);

int pthread_cond_signal_old(pthread_cond_t *cond)
{
    struct self *self = hook_enter();
    if (self != NULL)
        signal_it(self, cond, false, HOOK_FRAME(), HOOK_STACK(self));
    return real.pthread_cond_signal_old(cond);
}
EXPORT_OLD(pthread_cond_signal);

int pthread_cond_broadcast_new(pthread_cond_t *cond)
{
    struct self *self = hook_enter();
    if (self != NULL)
        signal_it(self, cond, true, HOOK_FRAME(), HOOK_STACK(self));
    return real.pthread_cond_broadcast_new(cond);
}
EXPORT_NEW(pthread_cond_broadcast);

int pthread_cond_broadcast_old(pthread_cond_t *cond)
{
    struct self *self = hook_enter();
    if (self != NULL)
        signal_it(self, cond, true, HOOK_FRAME(), HOOK_STACK(self));
    return real.pthread_cond_broadcast_old(cond);
}
EXPORT_OLD(pthread_cond_broadcast);
