/* thread.h: from creation to the last destructor of a thread; used by pthread_create() and thrd_create().
 *
 *   thread_prepare, thread_hold_signals (creator) --> real creation --> thread_let_signals, thread_created (creator)
 *                                      \--> thread_begin (the thread itself) ... program ... thread ends in the last
 *                                           round of its key destructors, after those of the program
 */
#ifndef LOCKHOUND_PRELOAD_INTERCEPT_THREAD_H
#define LOCKHOUND_PRELOAD_INTERCEPT_THREAD_H

#include "preload/self.h"

/* What the creator's mask was, while it holds signals. */
struct held_signals {
    bool any;
    uint64_t mask;
};

/* Makes the key whose destructor ends a thread, and arms it for the calling thread.  Context: early. */
void thread_init(void);

/* Returns: what the new thread will be, to be handed to it, or NULL when there is no memory: then it is adopted later.
 * Context: takes(OWN_RANK_SELVES). */
struct self *thread_prepare(struct self *creator, bool detached, struct stack_id at);
/* Before and right after the real creation, with the attributes that it gets: a signal that comes to the new thread waits until
 * that is known.  Context: signal, in-malloc, loader-lock. */
void thread_hold_signals(struct self *created, const pthread_attr_t *attr, struct held_signals *held);
void thread_let_signals(const struct held_signals *held);
/* After the real creation: it succeeded and the thread has this handle, or it failed.
 * Context: takes(OWN_RANK_SELVES). */
void thread_created(struct self *created, const pthread_t *handle);
void thread_not_created(struct self *created);
/* First act of the new thread: it is known from here on.  Context: takes(OWN_RANK_SELVES). */
void thread_begin(struct self *self);
/* Makes a thread that began behind our back end like the others.  Context: signal. */
void thread_arm(struct self *self);

enum join_form { JOIN_WAIT, JOIN_TRY, JOIN_TIMED };

/* Around a real join: the request before, the outcome after (also on cancellation, with joined false).
 * Returns: the thread meant, to be handed to thread_join_done(); NULL when it is not known.
 * Context: takes(OWN_RANK_SELVES). */
struct self *thread_join_request(struct self *self, pthread_t handle, enum join_form form, struct stack_id at);
void thread_join_done(struct self *self, struct self *target, bool joined);

/* A real join that may be cancelled, and what pthread_cleanup_push() calls then: it stands between hook_pause() and
 * hook_resume().  Context: takes(OWN_RANK_SELVES). */
struct join_in_progress {
    struct self *self, *target;
};
void thread_join_cancelled(void *join);

/* Before and after a real detach.  Context: takes(OWN_RANK_SELVES). */
struct self *thread_detach_request(struct self *self, pthread_t handle, struct stack_id at);
void thread_detach_done(struct self *target, bool detached);

#endif
