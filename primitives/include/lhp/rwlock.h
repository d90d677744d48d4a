/* rwlock.h: RWLock, many readers or one writer, fair to writers.
 *
 *   operation                          may block   signal handler   destructor
 *   lhp_rwlock_init                    no          no               yes
 *   lhp_rwlock_acquire_shared[_for]    yes         no               yes
 *   lhp_rwlock_acquire_exclusive[_for] yes         no               yes
 *   lhp_rwlock_try_acquire_*           no          no               yes
 *   lhp_rwlock_release_*               no          no               yes
 *
 * Edges:        a release of a writer happens before every later acquire; a release of a reader happens before the
 *               next writer's acquire (and promises nothing to other readers).
 * Fairness:     once a writer waits, no new reader enters: it waits for the readers inside at most.  A steady stream of
 *               writers may keep readers out.
 * Rule:         a reader must not acquire again while it holds: with a writer between, it would wait for itself.
 * Cancellation: acquire is not a cancellation point.
 * Fork:         what another thread held stays held in the child; reinitialise.
 * Lifetime:     destroy when free.
 * Cost:         a bare pthread_rwlock_t and, for writers, two plain stores.
 */
#ifndef LHP_RWLOCK_H
#define LHP_RWLOCK_H

#include <lhp/status.h>
#include <pthread.h>

struct lhp_rwlock {
    pthread_rwlock_t lock;
    const void *writer; /* accessed atomically; NULL when there is none */
};

LHP_BEGIN
LHP_API void lhp_rwlock_init(struct lhp_rwlock *lock);
LHP_API void lhp_rwlock_destroy(struct lhp_rwlock *lock);
/* Returns: LHP_OK, or LHP_DEADLOCK when the caller is the writer, or LHP_OVER_BOUND for too many readers. */
LHP_API enum lhp_status lhp_rwlock_acquire_shared(struct lhp_rwlock *lock);
LHP_API LHP_NODISCARD enum lhp_status lhp_rwlock_try_acquire_shared(struct lhp_rwlock *lock);
LHP_API LHP_NODISCARD enum lhp_status lhp_rwlock_acquire_shared_for(struct lhp_rwlock *lock, int64_t timeout_ns);
/* Returns: LHP_OK, or LHP_NOT_HELD and nothing changed when nobody holds it shared.  While others do, a release by a
 * thread that does not is not noticed. */
LHP_API enum lhp_status lhp_rwlock_release_shared(struct lhp_rwlock *lock);
/* Returns: LHP_OK, or LHP_DEADLOCK when the caller is the writer. */
LHP_API enum lhp_status lhp_rwlock_acquire_exclusive(struct lhp_rwlock *lock);
LHP_API LHP_NODISCARD enum lhp_status lhp_rwlock_try_acquire_exclusive(struct lhp_rwlock *lock);
LHP_API LHP_NODISCARD enum lhp_status lhp_rwlock_acquire_exclusive_for(struct lhp_rwlock *lock, int64_t timeout_ns);
/* Returns: LHP_OK, or LHP_NOT_OWNER and nothing changed. */
LHP_API enum lhp_status lhp_rwlock_release_exclusive(struct lhp_rwlock *lock);
LHP_END

#endif
