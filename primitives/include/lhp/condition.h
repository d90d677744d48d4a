/* condition.h: Condition, a queue of threads that wait under a lock for something to become true.
 *
 *   [holds the lock] --wait--> queue of waiters (FIFO) --notify(n)--> [holds the lock again]
 *
 *   operation                     may block   signal handler   destructor
 *   lhp_condition_init*           no          no               yes
 *   lhp_condition_acquire         yes         no               yes
 *   lhp_condition_release         no          no               yes
 *   lhp_condition_wait[_for]      yes         no               yes
 *   lhp_condition_wait_until*     yes         no               yes
 *   lhp_condition_notify[_all]    no          no               yes
 *   lhp_condition_destroy         no          no               yes
 *
 * Edges:        a notify happens before the return of the waits it ends; and those of the lock.
 * Promises:     waits end in the order they began; a wait ends by a notify or by its time limit and never by itself; a
 *               notify that finds n waiters ends min(n, count) waits, also when some of them run out of time at that
 *               moment: each then counts as notified.
 * Invariant:    a waiter is in the queue until somebody who holds the lock takes it out.
 * Cancellation: wait is a cancellation point; the lock is held again when cleanup handlers run, and a notification that
 *               had reached the cancelled thread goes to the next waiter.
 * Fork:         in the child the queue still names threads that are gone; initialise it again.
 * Lifetime:     destroy when nobody waits; a lock given to it must outlive it.
 * Cost:         a wait takes one semaphore on its own stack; a notify without waiters is a few loads.
 * Source:       Python's threading.Condition; Birrell, "Implementing Condition Variables with Semaphores", 2003.
 */
#ifndef LHP_CONDITION_H
#define LHP_CONDITION_H

#include <lhp/lock.h>
#include <lhp/rlock.h>

struct lhp_condition_waiter;

struct lhp_condition {
    struct lhp_lock *lock; /* exactly one of the two is set */
    struct lhp_rlock *rlock;
    struct lhp_rlock own;                      /* what rlock points to when none was given */
    struct lhp_condition_waiter *first, *last; /* guarded by the lock */
};

LHP_BEGIN
/* Over an RLock of its own. */
LHP_API void lhp_condition_init(struct lhp_condition *condition);
LHP_API void lhp_condition_init_lock(struct lhp_condition *condition, struct lhp_lock *lock);
LHP_API void lhp_condition_init_rlock(struct lhp_condition *condition, struct lhp_rlock *lock);
LHP_API void lhp_condition_destroy(struct lhp_condition *condition);
LHP_API void lhp_condition_acquire(struct lhp_condition *condition);
LHP_API enum lhp_status lhp_condition_release(struct lhp_condition *condition);
/* Returns: LHP_OK once notified; LHP_NOT_HELD at once when the lock is not held (for a Lock: by anyone). */
LHP_API enum lhp_status lhp_condition_wait(struct lhp_condition *condition);
/* Returns: as wait, or LHP_TIMEOUT.  The lock is held again in either case. */
LHP_API LHP_NODISCARD enum lhp_status lhp_condition_wait_for(struct lhp_condition *condition, int64_t timeout_ns);
/* Waits until `predicate(arg)`, called with the lock held, is true.  Returns: LHP_OK, LHP_TIMEOUT, LHP_NOT_HELD. */
LHP_API enum lhp_status lhp_condition_wait_until(struct lhp_condition *condition, bool (*predicate)(void *arg),
                                                 void *arg, int64_t timeout_ns);
/* Ends the `n` oldest waits.  Returns: LHP_OK or LHP_NOT_HELD. */
LHP_API enum lhp_status lhp_condition_notify(struct lhp_condition *condition, unsigned n);
LHP_API enum lhp_status lhp_condition_notify_all(struct lhp_condition *condition);
LHP_END

#endif
