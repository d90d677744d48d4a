#include "preload/intercept/thread.h"

#include <errno.h>
#include <limits.h>

#include "preload/deferral.h"
#include "preload/emit.h"
#include "preload/grace.h"
#include "preload/hook.h"
#include "preload/intercept/async_cancel.h"
#include "preload/intercept/departed.h"
#include "preload/runtimes/cpython.h"
#include "preload/thread_records.h"
#include "preload/weave/weave.h"

static pthread_key_t end_key;
static bool end_key_made;

/* Key destructors run in rounds as long as some key has a value again: ours waits for the last round, so that the
 * program's own destructors are still seen. */
static void thread_may_end(void *value)
{
    struct self *self = value;
    if (++self->destructor_rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
        pthread_setspecific(end_key, self);
        return;
    }
    self->inside = true;
    self->inside_frame = UINTPTR_MAX;
    plane_stop(self);
    struct thread_past past;
    if (self_end(self, &past))
        departed_note(pthread_self(), &past);
}

void thread_arm(struct self *self)
{
    if (end_key_made)
        pthread_setspecific(end_key, self);
}

void thread_init(void)
{
    end_key_made = pthread_key_create(&end_key, thread_may_end) == 0;
    thread_arm(self_current);
}

struct self *thread_prepare(struct self *creator, bool detached, struct stack_id at)
{
    return self_new(creator, detached, at);
}

void thread_created(struct self *created, const pthread_t *handle)
{
    grace_thread_made();
    self_publish(created, handle);
    self_unpin(created);
}

void thread_not_created(struct self *created)
{
    self_abandon(created);
}

static bool has_mask(const pthread_attr_t *attr)
{
    sigset_t given;
    return pthread_attr_getsigmask_np(attr, &given) == 0;
}

/* Of threads that are created without attributes: pthread_setattr_default_np(3). */
static bool default_has_mask(void)
{
    pthread_attr_t standard;
    if (pthread_getattr_default_np(&standard) != 0)
        return false;
    bool result = has_mask(&standard);
    pthread_attr_destroy(&standard);
    return result;
}

void thread_hold_signals(struct self *created, const pthread_attr_t *attr, struct held_signals *held)
{
    deferral_settle(); /* the new thread gets the mask of this one */
    held->any = attr == NULL ? !default_has_mask() : !has_mask(attr);
    if (held->any)
        held->mask = created->signal_mask = deferral_hold_all();
    created->holds_signals = held->any;
}

void thread_let_signals(const struct held_signals *held)
{
    if (held->any)
        deferral_set_mask(held->mask);
}

void thread_begin(struct self *self)
{
    self->inside = true;
    self->inside_frame = UINTPTR_MAX;
    self_start(self);
    thread_arm(self);
    plane_start_if_woven(self);
    self->inside = false;
    if (self->holds_signals)
        deferral_set_mask(self->signal_mask);
}

/* ---- creation ----------------------------------------------------------------------------------------------------- */

static void *run_thread(void *argument)
{
    struct self *self = argument;
    void *(*routine)(void *) = self->routine;
    void *routine_argument = self->argument;
    thread_begin(self);
    return routine(routine_argument);
}

static size_t stack_size_of(const pthread_attr_t *attr)
{
    size_t size = 0;
    pthread_attr_t standard;
    if (attr != NULL)
        return pthread_attr_getstacksize(attr, &size) == 0 ? size : 0;
    if (pthread_attr_init(&standard) == 0)
        pthread_attr_getstacksize(&standard, &size);
    return size;
}

static bool is_detached(const pthread_attr_t *attr)
{
    int state = PTHREAD_CREATE_JOINABLE;
    return attr != NULL && pthread_attr_getdetachstate(attr, &state) == 0 && state == PTHREAD_CREATE_DETACHED;
}

HOOK_EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*routine)(void *), void *argument)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_create(thread, attr, routine, argument);
    hook_hands_mask_on(self);
    weave_begin(self);
    weave_loaded(self);
    struct self *created = thread_prepare(self, is_detached(attr), cpython_stack(self, HOOK_STACK(self)));
    if (created == NULL) {
        hook_leave(self);
        return real.pthread_create(thread, attr, routine, argument);
    }
    created->routine = routine;
    created->argument = argument;
    created->stack_size = stack_size_of(attr);
    struct held_signals held;
    thread_hold_signals(created, attr, &held);
    self->creates = true;
    hook_pause(self); /* it allocates, and what it does so pthread_join() may free */
    int result = real.pthread_create(thread, attr, run_thread, created);
    hook_resume(self);
    self->creates = false;
    thread_let_signals(&held);
    if (result == 0)
        thread_created(created, thread);
    else
        thread_not_created(created);
    hook_leave(self);
    return result;
}

/* ---- joining ------------------------------------------------------------------------------------------------------ */

struct self *thread_join_request(struct self *self, pthread_t handle, enum join_form form, struct stack_id at)
{
    struct self *target = self_by_handle(handle);
    struct departed gone;
    if (target == NULL && departed_find(handle, &gone))
        emit_stale_join(self, &gone.past, at);
    else if (target != NULL && form != JOIN_TRY)
        emit_join_request(self, target, form == JOIN_TIMED, at);
    return target;
}

void thread_join_done(struct self *self, struct self *target, bool joined)
{
    if (target == NULL)
        return;
    if (!joined) {
        emit_join_failed(self, target);
        return;
    }
    emit_joined(self, target);
    grace_thread_joined();
    const struct thread_past past = thread_past(target->thread);
    departed_note(target->handle, &past);
    self_release(target);
}

void thread_join_cancelled(void *join)
{
    const struct join_in_progress *cancelled = join;
    hook_resume(cancelled->self);
    thread_join_done(cancelled->self, cancelled->target, false);
    hook_leave(cancelled->self);
}

HOOK_EXPORT int pthread_join(pthread_t thread, void **value)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_join(thread, value);
    struct join_in_progress join = {self, thread_join_request(self, thread, JOIN_WAIT, HOOK_STACK(self))};
    int result;
    pthread_cleanup_push(thread_join_cancelled, &join);
    hook_pause(self);
    result = real.pthread_join(thread, value);
    hook_resume(self);
    pthread_cleanup_pop(0);
    thread_join_done(self, join.target, result == 0);
    hook_leave(self);
    return result;
}

HOOK_EXPORT int pthread_tryjoin_np(pthread_t thread, void **value)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_tryjoin_np(thread, value);
    struct self *target = thread_join_request(self, thread, JOIN_TRY, HOOK_STACK(self));
    int result = real.pthread_tryjoin_np(thread, value);
    if (result == 0)
        thread_join_done(self, target, true);
    hook_leave(self);
    return result;
}

static int timed_join(struct self *self, pthread_t thread, void **value, const clockid_t *clock,
                      const struct timespec *until, struct stack_id at)
{
    /* Without a limit both calls wait for ever, as pthread_join() does. */
    struct join_in_progress join = {self,
                                    thread_join_request(self, thread, until == NULL ? JOIN_WAIT : JOIN_TIMED, at)};
    int result;
    pthread_cleanup_push(thread_join_cancelled, &join);
    hook_pause(self);
    result = clock == NULL ? real.pthread_timedjoin_np(thread, value, until)
                           : real.pthread_clockjoin_np(thread, value, *clock, until);
    hook_resume(self);
    pthread_cleanup_pop(0);
    thread_join_done(self, join.target, result == 0);
    hook_leave(self);
    return result;
}

HOOK_EXPORT int pthread_timedjoin_np(pthread_t thread, void **value, const struct timespec *until)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_timedjoin_np(thread, value, until);
    return timed_join(self, thread, value, NULL, until, HOOK_STACK(self));
}

HOOK_EXPORT int pthread_clockjoin_np(pthread_t thread, void **value, clockid_t clock, const struct timespec *until)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_clockjoin_np(thread, value, clock, until);
    return timed_join(self, thread, value, &clock, until, HOOK_STACK(self));
}

/* ---- cancelling --------------------------------------------------------------------------------------------------- */

HOOK_EXPORT int pthread_cancel(pthread_t thread)
{
    struct self *self = hook_enter();
    struct self *target = self == NULL ? NULL : self_by_handle(thread);
    if (target != NULL)
        detector_thread_cancelled(target->thread);
    if (self != NULL)
        hook_leave(self); /* before the call: the thread may ask itself, and end in it */
    async_cancel_prepare();
    return real.pthread_cancel(thread);
}

/* ---- detaching, names --------------------------------------------------------------------------------------------- */

struct self *thread_detach_request(struct self *self, pthread_t handle, struct stack_id at)
{
    struct self *target = self_by_handle(handle);
    struct departed gone;
    if (target != NULL)
        emit_detach(self, target, at);
    else if (departed_find(handle, &gone))
        emit_stale_detach(self, &gone.past, at);
    return target;
}

void thread_detach_done(struct self *target, bool detached)
{
    if (target == NULL || !detached)
        return;
    pthread_t handle = target->handle;
    const struct thread_past past = thread_past(target->thread);
    if (self_mark_detached(target)) {
        departed_note(handle, &past);
        self_release(target);
    }
}

HOOK_EXPORT int pthread_detach(pthread_t thread)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_detach(thread);
    struct self *target = thread_detach_request(self, thread, HOOK_STACK(self));
    int result = real.pthread_detach(thread);
    thread_detach_done(target, result == 0);
    hook_leave(self);
    return result;
}

HOOK_EXPORT int pthread_setname_np(pthread_t thread, const char *name)
{
    struct self *self = hook_enter();
    int result = real.pthread_setname_np(thread, name);
    if (self == NULL)
        return result;
    struct self *target = result == 0 ? self_by_handle(thread) : NULL;
    if (target != NULL)
        self_set_name(target, name);
    hook_leave(self);
    return result;
}
