/* rwlock.h: RWLock, many readers or one writer, fair to writers.
 *
 *   operation                          may block   signal handler   destructor
 *   lhp_rwlock_init                    no          no               yes
 *   lhp_rwlock_acquire_shared[_for]    yes         no               yes
 *   lhp_rwlock_acquire_exclusive[_for] yes         no               yes
 *   lhp_rwlock_try_acquire_*           no          no               yes
 *   lhp_rwlock_release_*               no          no               yes
 *   lhp_rwlock_destroy                 no          no               yes
 *
 * Edges:        a release of a writer happens before every later acquire; a release of a reader happens before the
 *               next writer's acquire (and promises nothing to other readers).
 * Fairness:     once a writer waits, no new reader enters: it waits for the readers inside at most.  A steady stream of
 *               writers may keep readers out.
 * Recursion:    a thread that holds it shared may acquire it shared again, and is let in at once even while a writer waits;
 *               each acquire needs a release.  The exclusive side is not recursive, and a reader cannot become a writer.
 * Owner:        a hold, of either kind, belongs to the thread that acquired it and is released by it.
 * Cancellation: acquire is not a cancellation point.
 * Fork:         what another thread held stays held in the child; reinitialise.
 * Lifetime:     destroy when free.
 * Cost:         a bare pthread_rwlock_t, and a search in the thread's own list of the RWLocks that it holds.
 */
#ifndef LHP_RWLOCK_H
#define LHP_RWLOCK_H

#include <lhp/status.h>
#include <pthread.h>

#define LHP_RWLOCK_HELD_MOST 32 /* RWLocks that a thread holds at a time */

struct lhp_rwlock {
    pthread_rwlock_t lock;
};

LHP_BEGIN
LHP_API void lhp_rwlock_init(struct lhp_rwlock *lock);
LHP_API void lhp_rwlock_destroy(struct lhp_rwlock *lock);
/* Returns: LHP_OK; LHP_DEADLOCK when the caller is the writer; LHP_OVER_BOUND for too many readers, and when the caller
 * holds LHP_RWLOCK_HELD_MOST others. */
LHP_API enum lhp_status lhp_rwlock_acquire_shared(struct lhp_rwlock *lock);
LHP_API LHP_NODISCARD enum lhp_status lhp_rwlock_try_acquire_shared(struct lhp_rwlock *lock);
LHP_API LHP_NODISCARD enum lhp_status lhp_rwlock_acquire_shared_for(struct lhp_rwlock *lock, int64_t timeout_ns);
/* Returns: LHP_OK, or LHP_NOT_HELD and nothing changed when the caller does not hold it shared. */
LHP_API enum lhp_status lhp_rwlock_release_shared(struct lhp_rwlock *lock);
/* Returns: LHP_OK, or LHP_DEADLOCK when the caller is the writer or a reader, where a try answers
 * LHP_TIMEOUT; LHP_OVER_BOUND when the caller holds LHP_RWLOCK_HELD_MOST others. */
LHP_API enum lhp_status lhp_rwlock_acquire_exclusive(struct lhp_rwlock *lock);
LHP_API LHP_NODISCARD enum lhp_status lhp_rwlock_try_acquire_exclusive(struct lhp_rwlock *lock);
LHP_API LHP_NODISCARD enum lhp_status lhp_rwlock_acquire_exclusive_for(struct lhp_rwlock *lock, int64_t timeout_ns);
/* Returns: LHP_OK, or LHP_NOT_OWNER and nothing changed. */
LHP_API enum lhp_status lhp_rwlock_release_exclusive(struct lhp_rwlock *lock);
LHP_END

#endif
