/* once.c: pthread_once and call_once, std::call_once included.
 *
 *   call --done already--------------------> passed
 *     \--> block? --> real once --> run_routine() --> begin --> the program's routine --returned--> done
 *                          |                                                     \--unwound--> aborted
 *                          \--another thread ran it--> passed
 *
 * Model:     who runs the routine holds the object; whoever else calls waits for it; what the routine did comes before
 *            every return.
 * The routine takes no argument, so the call it belongs to is found through the thread: self->once, a stack of calls,
 * for a routine may call once functions itself.
 * Source:    POSIX pthread_once (a cancelled routine counts as never called); glibc nptl/pthread_once.c.
 */
#include "preload/intercept/objects.h"
#include "preload/intercept/waits.h"

/* The states of a pthread_once_t and of a once_flag. */
enum once_state { ONCE_RUNNING = 1, ONCE_DONE = 2 };

struct once_run {
    struct self *self;
    struct object *once;
    struct stack_id at;
    void (*routine)(void);
    bool has_blocked, has_run;
    struct once_run *outer;
};

static enum once_state read_state(const void *once)
{
    /* Relaxed: decides only what is said to the detector; the real call orders. */
    return (enum once_state)(__atomic_load_n((const int *)once, __ATOMIC_RELAXED) & (ONCE_RUNNING | ONCE_DONE));
}

static void stop_waiting(struct once_run *run)
{
    if (run->has_blocked)
        emit_unblock(run->self);
    run->has_blocked = false;
}

static void routine_unwound(void *argument)
{
    const struct once_run *run = argument;
    hook_resume(run->self);
    emit_once_done(run->self, run->once, true);
    hook_pause(run->self);
}

static void run_routine(void)
{
    struct once_run *run = self_current->once;
    hook_resume(run->self);
    stop_waiting(run);
    run->has_run = true;
    emit_once_begin(run->self, run->once, run->at);
    hook_pause(run->self);
    pthread_cleanup_push(routine_unwound, run);
    run->routine();
    pthread_cleanup_pop(0);
    hook_resume(run->self);
    emit_once_done(run->self, run->once, false);
    hook_pause(run->self);
}

static void call_begin(struct once_run *run, const void *once)
{
    struct self *self = run->self;
    run->outer = self->once;
    self->once = run;
    run->has_blocked = read_state(once) == ONCE_RUNNING;
    if (run->has_blocked)
        emit_block(self, run->once, LOCK_EXCLUSIVE, false, run->at);
    hook_pause(self);
}

static void call_end(void *argument)
{
    struct once_run *run = argument;
    hook_resume(run->self);
    stop_waiting(run);
    run->self->once = run->outer;
    hook_leave(run->self);
}

/* call_once() tells nothing of what became of it. */
static inline int call_libc(void *once, void (*routine)(void), bool is_c11)
{
    if (!is_c11)
        return real.pthread_once(once, routine);
    real.call_once(once, routine);
    return 0;
}

static inline int call_seen(struct self *self, void *once, void (*routine)(void), bool is_c11, uintptr_t frame,
                            struct stack_id at)
{
    struct once_run run = {.self = self, .at = at, .routine = routine};
    run.once = objects_find(self, OBJECT_ONCE, once, frame, at);
    if (run.once == NULL) {
        hook_leave(self);
        return call_libc(once, routine, is_c11);
    }

    int result;
    call_begin(&run, once);
    pthread_cleanup_push(call_end, &run);
    result = call_libc(once, run_routine, is_c11);
    if (!run.has_run) {
        hook_resume(self);
        emit_once_passed(self, run.once);
    }
    pthread_cleanup_pop(1);
    return result;
}

HOOK_EXPORT int pthread_once(pthread_once_t *once, void (*routine)(void))
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.pthread_once(once, routine);
    return call_seen(self, once, routine, false, HOOK_FRAME(), HOOK_STACK(self));
}

HOOK_EXPORT void call_once(once_flag *once, void (*routine)(void))
{
    struct self *self = hook_enter();
    if (self == NULL)
        real.call_once(once, routine);
    else
        call_seen(self, once, routine, true, HOOK_FRAME(), HOOK_STACK(self));
}

HOOK_ALIAS(__pthread_once, pthread_once);
