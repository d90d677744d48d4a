/* lock.h: Lock, the primitive lock: one holder, and any thread may release it.
 *
 *   free --acquire--> held --release (by anyone)--> free
 *
 *   operation              may block   signal handler   destructor
 *   lhp_lock_init          no          no               yes
 *   lhp_lock_acquire       yes         no               yes
 *   lhp_lock_try_acquire   no          yes              yes
 *   lhp_lock_acquire_for   yes         no               yes
 *   lhp_lock_release       no          yes              yes
 *   lhp_lock_locked        no          yes              yes
 *   lhp_lock_destroy       no          no               yes
 *   lhp_lock_at_fork_reinit
 *                          no          no               no
 *
 * Edges:        a release happens before the acquire that follows it.
 * Model:        a semaphore of value 1, which is what plain pthreads offer for a lock that changes hands.
 * Invariant:    semaphore value + holders = 1 while every release follows an acquire of its own; lhp_lock_release() is the
 *               only post.
 * Errors:       a release that finds the lock free changes nothing.  Of two releases of one hold that race, both may find
 *               it held; then two threads may enter, and the last of them to release is told LHP_NOT_HELD, with which
 *               the lock is right again.
 * Cancellation: acquire is a cancellation point; a thread cancelled in it does not hold the lock, and what
 *               had woken it wakes the next.
 * Fork:         the child inherits the state; what another thread held stays held.  Call lhp_lock_at_fork_reinit().
 * Lifetime:     init before use; destroy when it is free and nobody will come.  The struct must not move.
 * Cost:         a bare sem_t, two atomic read-modify-writes, and a load for the check.
 * Source:       Python's threading.Lock.
 */
#ifndef LHP_LOCK_H
#define LHP_LOCK_H

#include <lhp/status.h>
#include <semaphore.h>

struct lhp_lock {
    sem_t free; /* 1 when free */
};

LHP_BEGIN
LHP_API void lhp_lock_init(struct lhp_lock *lock);
LHP_API void lhp_lock_destroy(struct lhp_lock *lock);
LHP_API void lhp_lock_acquire(struct lhp_lock *lock);
/* Returns: LHP_OK, or LHP_TIMEOUT when it is held. */
LHP_API LHP_NODISCARD enum lhp_status lhp_lock_try_acquire(struct lhp_lock *lock);
/* Returns: LHP_OK or LHP_TIMEOUT. */
LHP_API LHP_NODISCARD enum lhp_status lhp_lock_acquire_for(struct lhp_lock *lock, int64_t timeout_ns);
/* Returns: LHP_OK, or LHP_NOT_HELD and nothing changed. */
LHP_API enum lhp_status lhp_lock_release(struct lhp_lock *lock);
/* Returns: whether somebody held it at some moment during the call. */
LHP_API bool lhp_lock_locked(struct lhp_lock *lock);
/* Makes it free again in a forked child, whatever its state.  Only while the child has one thread. */
LHP_API void lhp_lock_at_fork_reinit(struct lhp_lock *lock);
LHP_END

#endif
