/* waits.h: waits that a cancellation may end: the model is put right before the thread's own clean-up handlers run.
 *
 *   begin --> pause --> real wait --returned--> resume --> end
 *                              \--unwound---> clean-up: resume, end, leave --> handlers of the program
 *
 * Model:     a condition wait is release, wait, acquire; libc takes the mutex again before it unwinds.
 * Built with -fexceptions, so that pthread_cleanup_push() is an entry in a table and costs nothing until it is needed.
 * Source:    POSIX 2.9.5 (the mutex is re-acquired before the first cancellation clean-up handler is called).
 */
#ifndef LOCKHOUND_PRELOAD_INTERCEPT_WAITS_H
#define LOCKHOUND_PRELOAD_INTERCEPT_WAITS_H

#include "preload/emit.h"
#include "preload/hook.h"
#include "preload/intercept/objects.h"

#ifndef __EXCEPTIONS
#error "compile this file with -fexceptions"
#endif

/* Clean-up of a wait that emit_block() announced; the argument is the struct self.  Context: reentrant. */
void waits_block_cancelled(void *self);

struct condition_wait {
    struct self *self;
    struct object *cond, *mutex;
    struct stack_id at;
};

/* Clean-up of a condition wait; the argument is the struct condition_wait.  Context: reentrant. */
void waits_condition_cancelled(void *wait);

static inline void waits_condition_begin(const struct condition_wait *wait, bool timed)
{
    emit_cond_wait(wait->self, wait->cond, wait->mutex, timed, wait->at);
    hook_pause(wait->self);
}

/* `is_held`: false when libc refused to wait for want of the mutex, or could not take it again. */
static inline void waits_condition_end(const struct condition_wait *wait, bool woken, bool owner_died, bool is_held)
{
    hook_resume(wait->self);
    emit_cond_woken(wait->self, wait->cond, wait->mutex, woken, owner_died, wait->at);
    if (!is_held)
        emit_lock_released(wait->self, wait->mutex, wait->at);
    hook_leave(wait->self);
}

/* All of a hook before libc's own signal or broadcast. */
static inline void waits_condition_signal(struct self *self, const void *cond, bool broadcast, uintptr_t frame,
                                          struct stack_id at)
{
    struct object *object = objects_find(self, OBJECT_COND, cond, frame, at);
    if (object != NULL) {
        emit_cond_signal(self, object, broadcast, at);
        objects_signalled(self, cond, at);
    }
    hook_leave(self);
}

#endif
