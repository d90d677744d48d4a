/* emit.h: the detector's verbs as the hooks call them.
 *
 *   intercept/ *.c --> emit_<verb>(self, ...) --+--> <verb>(detector, thread, ...)
 *                                               +--> trace_*()   with --trace only
 *                                               +--> contention_*()   with --contention only
 *
 * Invariant: an event is in the trace before the detector acts on it, so that a trace that ends in a deadlock holds the
 *            event that closed it.  (The creation of a thread or of an object, which first gets its name, comes after.)
 */
#ifndef LOCKHOUND_PRELOAD_EMIT_H
#define LOCKHOUND_PRELOAD_EMIT_H

#include "preload/contention.h"
#include "preload/lockhound.h"
#include "preload/self.h"
#include "preload/sharing.h"
#include "preload/sharing_rest.h"
#include "preload/trace.h"
#include "preload/weave/plane.h"

#define EMIT_TRACE(call)                                                                                               \
    do {                                                                                                               \
        if (__builtin_expect(lockhound.tracing, 0))                                                                    \
            call;                                                                                                      \
    } while (0)

/* For the events of locks, which have two further readers: one test while there is none. */
#define EMIT_OBSERVED(traced, timed)                                                                                   \
    do {                                                                                                               \
        if (__builtin_expect(lockhound.observed, 0)) {                                                                 \
            if (lockhound.tracing)                                                                                     \
                traced;                                                                                                \
            if (lockhound.options.contention)                                                                          \
                timed;                                                                                                 \
        }                                                                                                              \
    } while (0)

#define EMIT_NOWHERE ((struct stack_id){0})

/* ---- threads ---- */

/* What released the thread's clock is part of its history while the program is woven. */
static inline void emit_note_sent(struct self *self, const struct object *object, struct stack_id at)
{
    if (__builtin_expect(self->plane != NULL, 0))
        plane_note_sent(self, object, at);
}

static inline void emit_thread_create(struct self *self, struct self *child, bool detached, struct stack_id at)
{
    self_count_event(self);
    detector_thread_create(lockhound.detector, child->thread, self->thread, detached, at);
    if (__builtin_expect(self->plane != NULL, 0))
        plane_note_created(self, child, at);
    EMIT_TRACE(trace_thread(self, EVENT_FORK, detached ? EVENT_DETACHED : 0, child, at));
}

static inline void emit_thread_start(struct self *self)
{
    self_count_event(self);
    EMIT_TRACE(trace_plain(self, EVENT_START, EMIT_NOWHERE));
    detector_thread_start(lockhound.detector, self->thread);
}

static inline void emit_thread_end(struct self *self, struct stack_id at)
{
    self_count_event(self);
    EMIT_TRACE(trace_plain(self, EVENT_EXIT, at));
    detector_thread_end(lockhound.detector, self->thread, at);
}

static inline void emit_join_request(struct self *self, struct self *target, bool timed, struct stack_id at)
{
    self_count_event(self);
    if (target != NULL)
        EMIT_TRACE(trace_thread(self, EVENT_JOIN_REQUEST, timed ? EVENT_TIMED : 0, target, at));
    detector_join_request(lockhound.detector, self->thread, target == NULL ? NULL : target->thread, timed, at);
}

static inline void emit_joined(struct self *self, struct self *target)
{
    self_count_event(self);
    EMIT_TRACE(trace_thread(self, EVENT_JOIN, 0, target, EMIT_NOWHERE));
    detector_joined(lockhound.detector, self->thread, target->thread);
    sharing_rest_woke();
}

static inline void emit_join_failed(struct self *self, struct self *target)
{
    self_count_event(self);
    EMIT_TRACE(trace_thread(self, EVENT_JOIN_FAILED, 0, target, EMIT_NOWHERE));
    detector_join_failed(lockhound.detector, self->thread, target->thread);
    sharing_rest_woke();
}

static inline void emit_detach(struct self *self, struct self *target, struct stack_id at)
{
    self_count_event(self);
    EMIT_TRACE(trace_thread(self, EVENT_DETACH, 0, target, at));
    detector_detach(lockhound.detector, self->thread, target->thread, at);
}

static inline void emit_stale_join(struct self *self, const struct thread_past *gone, struct stack_id at)
{
    self_count_event(self);
    detector_stale_join(lockhound.detector, self->thread, gone, at);
}

static inline void emit_stale_detach(struct self *self, const struct thread_past *gone, struct stack_id at)
{
    self_count_event(self);
    detector_stale_detach(lockhound.detector, self->thread, gone, at);
}

static inline void emit_thread_forget(struct self *self)
{
    detector_thread_forget(lockhound.detector, self->thread);
}

static inline void emit_process_end(struct self *self)
{
    EMIT_TRACE(trace_plain(self, EVENT_QUIT, EMIT_NOWHERE));
    detector_process_end(lockhound.detector, self->thread);
}

static inline void emit_fork_child(struct self *self)
{
    self_count_event(self);
    EMIT_TRACE(trace_fork_child(self));
    detector_fork_child(lockhound.detector, self->thread);
}

static inline void emit_signal_enter(struct self *self, int number)
{
    self_count_event(self);
    EMIT_TRACE(trace_number(self, EVENT_SIGNAL_ENTER, (uint64_t)number));
    detector_signal_enter(lockhound.detector, self->thread, number);
}

static inline void emit_signal_leave(struct self *self)
{
    self_count_event(self);
    EMIT_TRACE(trace_plain(self, EVENT_SIGNAL_LEAVE, EMIT_NOWHERE));
    detector_signal_leave(lockhound.detector, self->thread);
}

static inline void emit_set_handlers_installed(struct self *self, enum signal_handlers handlers)
{
    EMIT_TRACE(trace_number(self, EVENT_HANDLERS, handlers));
    detector_set_handlers_installed(lockhound.detector, handlers);
}

/* ---- objects ---- */

static inline struct object *emit_object_init(struct self *self, enum object_kind kind, uint64_t address,
                                              const struct object_traits *traits, struct stack_id at)
{
    self_count_event(self);
    EMIT_TRACE(trace_traits(self, kind, address, traits, at));
    struct object *object = object_init(lockhound.detector, self->thread, kind, address, traits, at);
    if (object != NULL && sharing_concerns(object))
        sharing_on_init(object);
    return object;
}

static inline struct object *emit_object_adopt(struct self *self, enum object_kind kind, uint64_t address,
                                               const struct object_traits *traits, struct stack_id at)
{
    /* What no later event would tell a reader of the trace. */
    if (traits->was_initialised && (traits->type != MUTEX_NORMAL || traits->robust || traits->process_shared ||
                                    traits->prefers_writers || traits->schedules || traits->count != 0))
        EMIT_TRACE(trace_traits(self, kind, address, traits, at));
    struct object *object = object_adopt(lockhound.detector, self->thread, kind, address, traits, at);
    if (object != NULL && sharing_concerns(object))
        sharing_on_known(object);
    return object;
}

static inline bool emit_object_check_kind(struct self *self, struct object *object, enum object_kind kind,
                                          struct stack_id at)
{
    return object_check_kind(lockhound.detector, self->thread, object, kind, at);
}

static inline void emit_object_destroy(struct self *self, struct object *object, struct stack_id at)
{
    self_count_event(self);
    EMIT_TRACE(trace_object(self, EVENT_DESTROY, 0, object, at));
    object_destroy(lockhound.detector, self->thread, object, at);
}

static inline void emit_object_range_gone(struct self *self, uint64_t low, uint64_t high, bool was_freed,
                                          struct stack_id at)
{
    EMIT_TRACE(trace_memory(self, was_freed ? EVENT_FREE : EVENT_UNMAP, low, high, at));
    object_range_gone(lockhound.detector, self->thread, low, high, was_freed, at);
}

/* ---- locks ---- */

/* What the thread holds is part of its history while the program is woven. */
static inline void emit_note_held(struct self *self, const struct object *object, enum lock_mode mode,
                                  struct stack_id at)
{
    if (__builtin_expect(self->plane != NULL, 0))
        plane_note_lock(self, object, mode, at);
}

/* `at` is 0 where it is not known yet: OBJECTS_NOTE_PLACE() follows. */
static inline void emit_note_released(struct self *self, const struct object *object, struct stack_id at)
{
    if (__builtin_expect(self->plane != NULL, 0))
        plane_note_unlock(self, object, at);
}

static inline void emit_lock_request(struct self *self, struct object *object, enum lock_mode mode, bool timed,
                                     struct stack_id at)
{
    EMIT_OBSERVED(trace_lock(self, EVENT_REQUEST, timed ? EVENT_TIMED : 0, object, mode, at),
                  contention_requested(self));
    detector_lock_request(lockhound.detector, self->thread, object, mode, timed, at);
    if (sharing_concerns(object))
        sharing_on_request(self, object, mode, at);
    else if (__builtin_expect(self->sharing != NULL, 0))
        sharing_request_private(self, object, mode, at);
}

static inline void emit_lock_acquired(struct self *self, struct object *object, enum lock_mode mode, bool owner_died,
                                      struct stack_id at)
{
    self_count_event(self);
    EMIT_OBSERVED(trace_lock(self, EVENT_ACQUIRE, owner_died ? EVENT_OWNER_DIED : 0, object, mode, at),
                  contention_acquired(self, object, mode, at));
    detector_lock_acquired(lockhound.detector, self->thread, object, mode, owner_died, at);
    emit_note_held(self, object, mode, at);
    if (sharing_concerns(object))
        sharing_on_acquired(self, object, mode, at);
}

static inline void emit_lock_released(struct self *self, struct object *object, struct stack_id at)
{
    self_count_event(self);
    EMIT_OBSERVED(trace_object(self, EVENT_RELEASE, 0, object, at), contention_released(self, object));
    detector_lock_released(lockhound.detector, self->thread, object, at);
    emit_note_released(self, object, at);
    if (sharing_concerns(object))
        sharing_on_released(self, object);
}

static inline bool emit_lock_release_quickly(struct self *self, struct object *object, enum object_kind kind)
{
    if (__builtin_expect(lockhound.observed, 0)) {
        if (lockhound.tracing || !detector_lock_release_quickly(self->thread, object, kind))
            return false;
        contention_released(self, object);
    } else if (!detector_lock_release_quickly(self->thread, object, kind)) {
        return false;
    }
    self_count_event(self);
    emit_note_released(self, object, EMIT_NOWHERE);
    return true;
}

static inline void emit_lock_unrelease(struct self *self, struct object *object)
{
    EMIT_TRACE(trace_object(self, EVENT_UNRELEASE, 0, object, EMIT_NOWHERE));
    detector_lock_unrelease(lockhound.detector, self->thread, object);
    emit_note_held(self, object, LOCK_EXCLUSIVE, EMIT_NOWHERE);
}

static inline void emit_mutex_consistent(struct self *self, struct object *object)
{
    self_count_event(self);
    EMIT_TRACE(trace_object(self, EVENT_CONSISTENT, 0, object, EMIT_NOWHERE));
    detector_mutex_consistent(lockhound.detector, self->thread, object);
}

static inline void emit_block(struct self *self, struct object *object, enum lock_mode mode, bool timed,
                              struct stack_id at)
{
    EMIT_OBSERVED(trace_lock(self, EVENT_SLEEP, timed ? EVENT_TIMED : 0, object, mode, at),
                  contention_blocked(self, object));
    /* First, for a circle says more than that nobody is left. */
    if (!timed && sharing_concerns(object))
        sharing_on_block(self, object, mode, at);
    else if (!timed)
        sharing_block_private(self, object, mode, at);
    detector_block(lockhound.detector, self->thread, object, mode, timed, at);
}

static inline void emit_unblock(struct self *self)
{
    EMIT_OBSERVED(trace_plain(self, EVENT_AWAKE, EMIT_NOWHERE), contention_unblocked(self));
    detector_unblock(lockhound.detector, self->thread);
    if (self->sharing != NULL)
        sharing_unblock(self);
    else
        sharing_rest_woke();
}

static inline void emit_blocking_call(struct self *self, const char *what, struct stack_id at)
{
    EMIT_TRACE(trace_plain(self, EVENT_BLOCKING_CALL, at));
    detector_blocking_call(lockhound.detector, self->thread, what, at);
}

/* ---- condition variables ---- */

static inline void emit_cond_wait(struct self *self, struct object *cond, struct object *mutex, bool timed,
                                  struct stack_id at)
{
    self_count_event(self);
    EMIT_TRACE(trace_condition(self, EVENT_COND_WAIT, timed ? EVENT_TIMED : 0, cond, mutex, at));
    if (__builtin_expect(lockhound.options.contention && mutex != NULL, 0))
        contention_released(self, mutex);
    /* The others are told first: who looks at all of them when the last one sleeps knows it without the mutex. */
    if (mutex != NULL && sharing_concerns(mutex))
        sharing_on_released(self, mutex);
    if (cond != NULL && sharing_concerns(cond))
        sharing_on_cond_wait(self, cond);
    detector_cond_wait(lockhound.detector, self->thread, cond, mutex, timed, at);
    if (mutex != NULL)
        emit_note_released(self, mutex, at);
}

static inline void emit_cond_woken(struct self *self, struct object *cond, struct object *mutex, bool woken,
                                   bool owner_died, struct stack_id at)
{
    self_count_event(self);
    EMIT_TRACE(trace_condition(self, EVENT_COND_WOKEN,
                               (woken ? 0u : EVENT_TIMEOUT) | (owner_died ? EVENT_OWNER_DIED : 0u), cond, mutex, at));
    detector_cond_woken(lockhound.detector, self->thread, cond, mutex, woken, owner_died, at);
    if (__builtin_expect(lockhound.options.contention && mutex != NULL, 0))
        contention_acquired(self, mutex, LOCK_EXCLUSIVE, at);
    if (mutex != NULL)
        emit_note_held(self, mutex, LOCK_EXCLUSIVE, at);
    sharing_rest_woke();
    if (cond != NULL && sharing_concerns(cond))
        sharing_on_cond_woken(self, cond, woken);
    if (mutex != NULL && sharing_concerns(mutex))
        sharing_on_acquired(self, mutex, LOCK_EXCLUSIVE, at);
}

static inline void emit_cond_signal(struct self *self, struct object *cond, bool broadcast, struct stack_id at)
{
    self_count_event(self);
    EMIT_TRACE(trace_object(self, broadcast ? EVENT_COND_BROADCAST : EVENT_COND_SIGNAL, 0, cond, at));
    detector_cond_signal(lockhound.detector, self->thread, cond, broadcast, at);
    emit_note_sent(self, cond, at);
    if (sharing_concerns(cond))
        sharing_on_signal(self, cond, broadcast);
}

/* ---- semaphores, barriers, once, channels ---- */

static inline void emit_sem_request(struct self *self, struct object *sem, bool timed, struct stack_id at)
{
    EMIT_TRACE(trace_semaphore(self, EVENT_SEM_REQUEST, timed ? EVENT_TIMED : 0, sem, at));
    detector_sem_request(lockhound.detector, self->thread, sem, timed, at);
    if (sharing_concerns(sem))
        sharing_on_request(self, sem, LOCK_EXCLUSIVE, at);
    else if (__builtin_expect(self->sharing != NULL, 0))
        sharing_request_private(self, sem, LOCK_EXCLUSIVE, at);
}

static inline void emit_sem_was_lock(const struct object *sem, bool was_lock)
{
    if (__builtin_expect(was_lock && !relaxed_load(&sem->lock_like), 0) && !sharing_concerns(sem))
        sharing_private_no_lock(sem);
}

static inline void emit_sem_acquired(struct self *self, struct object *sem, struct stack_id at)
{
    self_count_event(self);
    EMIT_TRACE(trace_semaphore(self, EVENT_SEM_ACQUIRE, 0, sem, at));
    bool was_lock = relaxed_load(&sem->lock_like);
    detector_sem_acquired(lockhound.detector, self->thread, sem, at);
    emit_sem_was_lock(sem, was_lock);
    if (sharing_concerns(sem))
        sharing_on_acquired(self, sem, LOCK_EXCLUSIVE, at);
}

static inline void emit_sem_scoped(struct self *self, struct object *sem)
{
    EMIT_TRACE(trace_object(self, EVENT_SEM_SCOPED, 0, sem, EMIT_NOWHERE));
    detector_sem_scoped(lockhound.detector, self->thread, sem);
}

static inline void emit_sem_post(struct self *self, struct object *sem, bool overflows, struct stack_id at)
{
    self_count_event(self);
    EMIT_TRACE(trace_semaphore(self, EVENT_SEM_POST, overflows ? EVENT_OVERFLOW : 0, sem, at));
    bool was_lock = relaxed_load(&sem->lock_like);
    detector_sem_post(lockhound.detector, self->thread, sem, overflows, at);
    emit_sem_was_lock(sem, was_lock);
    emit_note_sent(self, sem, at);
    if (sharing_concerns(sem))
        sharing_on_posted(self, sem);
}

static inline void emit_barrier_arrive(struct self *self, struct object *barrier, struct stack_id at)
{
    self_count_event(self);
    EMIT_TRACE(trace_object(self, EVENT_BARRIER_ARRIVE, 0, barrier, at));
    if (sharing_concerns(barrier))
        sharing_on_arrive(barrier);
    detector_barrier_arrive(lockhound.detector, self->thread, barrier, at);
    emit_note_sent(self, barrier, at);
}

static inline void emit_barrier_leave(struct self *self, struct object *barrier)
{
    self_count_event(self);
    EMIT_TRACE(trace_object(self, EVENT_BARRIER_LEAVE, 0, barrier, EMIT_NOWHERE));
    detector_barrier_leave(lockhound.detector, self->thread, barrier);
    sharing_rest_woke();
    if (sharing_concerns(barrier))
        sharing_on_heard(barrier);
}

static inline void emit_once_begin(struct self *self, struct object *once, struct stack_id at)
{
    self_count_event(self);
    EMIT_TRACE(trace_object(self, EVENT_ONCE_BEGIN, 0, once, at));
    detector_once_begin(lockhound.detector, self->thread, once, at);
    sharing_rest_woke();
}

static inline void emit_once_done(struct self *self, struct object *once, bool aborted)
{
    self_count_event(self);
    EMIT_TRACE(trace_object(self, EVENT_ONCE_DONE, aborted ? EVENT_ABORTED : 0, once, EMIT_NOWHERE));
    detector_once_done(lockhound.detector, self->thread, once, aborted);
    emit_note_sent(self, once, EMIT_NOWHERE);
}

static inline void emit_once_passed(struct self *self, struct object *once)
{
    self_count_event(self);
    EMIT_TRACE(trace_object(self, EVENT_ONCE_PASSED, 0, once, EMIT_NOWHERE));
    detector_once_passed(lockhound.detector, self->thread, once);
    sharing_rest_woke();
}

static inline void emit_channel_send(struct self *self, struct object *channel, struct stack_id at)
{
    self_count_event(self);
    EMIT_TRACE(trace_object(self, EVENT_CHANNEL_SEND, 0, channel, EMIT_NOWHERE));
    detector_channel_send(lockhound.detector, self->thread, channel);
    emit_note_sent(self, channel, at);
}

static inline void emit_channel_receive(struct self *self, struct object *channel)
{
    self_count_event(self);
    EMIT_TRACE(trace_object(self, EVENT_CHANNEL_RECEIVE, 0, channel, EMIT_NOWHERE));
    detector_channel_receive(lockhound.detector, self->thread, channel);
    sharing_rest_woke();
}

#endif
