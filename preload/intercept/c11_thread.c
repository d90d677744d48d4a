/* c11_thread.c: thrd_create, thrd_join and thrd_detach: the threads of thread.c by other names.
 *
 * libc's thrd_create() calls pthread_create() by an internal name and runs a routine that returns an int.
 * Source:    C11 7.26.5; glibc sysdeps/pthread/thrd_create.c, thrd_join.c (a cancellation point, as pthread_join()).
 */
#include "preload/emit.h"
#include "preload/hook.h"
#include "preload/intercept/thread.h"
#include "preload/weave/weave.h"

static int run_thread(void *argument)
{
    struct self *self = argument;
    int (*routine)(void *) = self->c11_routine;
    void *routine_argument = self->argument;
    thread_begin(self);
    return routine(routine_argument);
}

HOOK_EXPORT int thrd_create(thrd_t *thread, int (*routine)(void *), void *argument)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.thrd_create(thread, routine, argument);
    hook_hands_mask_on(self);
    weave_begin(self);
    weave_loaded(self);
    struct self *created = thread_prepare(self, false, HOOK_STACK(self));
    if (created == NULL) {
        hook_leave(self);
        return real.thrd_create(thread, routine, argument);
    }
    created->c11_routine = routine;
    created->argument = argument;
    struct held_signals held;
    thread_hold_signals(created, NULL, &held);
    self->creates = true;
    hook_pause(self);
    int result = real.thrd_create(thread, run_thread, created);
    hook_resume(self);
    self->creates = false;
    thread_let_signals(&held);
    if (result == thrd_success)
        thread_created(created, thread);
    else
        thread_not_created(created);
    hook_leave(self);
    return result;
}

HOOK_EXPORT int thrd_join(thrd_t thread, int *value)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.thrd_join(thread, value);
    struct join_in_progress join = {self, thread_join_request(self, thread, JOIN_WAIT, HOOK_STACK(self))};
    int result;
    pthread_cleanup_push(thread_join_cancelled, &join);
    hook_pause(self);
    result = real.thrd_join(thread, value);
    hook_resume(self);
    pthread_cleanup_pop(0);
    thread_join_done(self, join.target, result == thrd_success);
    hook_leave(self);
    return result;
}

HOOK_EXPORT int thrd_detach(thrd_t thread)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.thrd_detach(thread);
    struct self *target = thread_detach_request(self, thread, HOOK_STACK(self));
    int result = real.thrd_detach(thread);
    thread_detach_done(target, result == thrd_success);
    hook_leave(self);
    return result;
}
