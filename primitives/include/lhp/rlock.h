/* rlock.h: RLock, a lock with an owner, who may acquire it again.
 *
 *   free --acquire--> owned, level 1 <--acquire / release--> level n        (by the owner alone)
 *
 *   operation               may block   signal handler   destructor
 *   lhp_rlock_init          no          no               yes
 *   lhp_rlock_acquire       yes         no               yes
 *   lhp_rlock_try_acquire   no          no               yes
 *   lhp_rlock_acquire_for   yes         no               yes
 *   lhp_rlock_release       no          no               yes
 *   lhp_rlock_owned         no          no               yes
 *   lhp_rlock_level         no          no               yes
 *   lhp_rlock_destroy       no          no               yes
 *   lhp_rlock_at_fork_reinit
 *                           no          no               no
 *
 * Edges:        the owner's last release happens before the next owner's first acquire.
 * Invariant:    the mutex underneath is locked `level` times by `owner`; both are written by the owner alone.
 * Cancellation: acquire is not a cancellation point (pthread_mutex_lock is none).
 * Fork:         in the child nobody owns it in the eyes of libc: call lhp_rlock_at_fork_reinit() before any use.
 * Lifetime:     as for a Lock.  LHP_RLOCK_INITIALIZER makes one without a call.
 * Cost:         a bare recursive mutex and two plain stores.
 * Source:       Python's threading.RLock; POSIX PTHREAD_MUTEX_RECURSIVE.
 */
#ifndef LHP_RLOCK_H
#define LHP_RLOCK_H

#include <lhp/status.h>
#include <pthread.h>

struct lhp_rlock {
    pthread_mutex_t mutex; /* recursive */
    const void *owner;     /* accessed atomically; NULL when nobody's */
    unsigned level;
};

/* Spelt with glibc's inner macro because PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP is hidden without _GNU_SOURCE. */
#define LHP_RLOCK_INITIALIZER                                                                                          \
    {                                                                                                                  \
        {{__PTHREAD_MUTEX_INITIALIZER(PTHREAD_MUTEX_RECURSIVE_NP)}}, 0, 0                                              \
    }

LHP_BEGIN
LHP_API void lhp_rlock_init(struct lhp_rlock *lock);
LHP_API void lhp_rlock_destroy(struct lhp_rlock *lock);
LHP_API void lhp_rlock_acquire(struct lhp_rlock *lock);
/* Returns: LHP_OK, or LHP_TIMEOUT when another thread owns it. */
LHP_API LHP_NODISCARD enum lhp_status lhp_rlock_try_acquire(struct lhp_rlock *lock);
LHP_API LHP_NODISCARD enum lhp_status lhp_rlock_acquire_for(struct lhp_rlock *lock, int64_t timeout_ns);
/* Returns: LHP_OK, or LHP_NOT_OWNER and nothing changed. */
LHP_API enum lhp_status lhp_rlock_release(struct lhp_rlock *lock);
/* Returns: whether the calling thread owns it. */
LHP_API bool lhp_rlock_owned(struct lhp_rlock *lock);
/* Returns: how often the calling thread has acquired it, 0 when it is not the owner. */
LHP_API unsigned lhp_rlock_level(struct lhp_rlock *lock);
LHP_API void lhp_rlock_at_fork_reinit(struct lhp_rlock *lock);
LHP_END

#endif
