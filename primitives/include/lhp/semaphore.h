/* semaphore.h: Semaphore, a counter of permits, and BoundedSemaphore, which refuses to grow past its start.
 *
 *   operation                     may block   signal handler   destructor
 *   lhp_semaphore_init            no          no               yes
 *   lhp_semaphore_acquire         yes         no               yes
 *   lhp_semaphore_try_acquire     no          yes              yes
 *   lhp_semaphore_acquire_for     yes         no               yes
 *   lhp_semaphore_release         no          yes, n = 1       yes
 *   lhp_semaphore_value           no          yes              yes
 *   lhp_semaphore_destroy         no          no               yes
 *   lhp_bounded_*                 as above, but release takes a mutex: not from a signal handler
 *
 * Edges:        a release happens before every acquire that its permit lets through.
 * Invariant:    permits = initial + released - acquired >= 0; bounded: <= initial.
 * Cancellation: acquire is a cancellation point; a thread cancelled in it took no permit, and what had woken
 *               it wakes the next.
 * Fork:         the child inherits the count.
 * Lifetime:     destroy when nobody waits.
 * Cost:         a bare sem_t; the bounded release adds an uncontended mutex.
 * Source:       Python's threading.Semaphore and BoundedSemaphore.
 */
#ifndef LHP_SEMAPHORE_H
#define LHP_SEMAPHORE_H

#include <lhp/status.h>
#include <pthread.h>
#include <semaphore.h>

struct lhp_semaphore {
    sem_t permits;
};

struct lhp_bounded {
    struct lhp_semaphore permits;
    pthread_mutex_t releasing; /* makes test and post of a release one step */
    unsigned bound;
};

LHP_BEGIN
/* Returns: LHP_OK, or LHP_INVALID when `permits` is above SEM_VALUE_MAX. */
LHP_API LHP_NODISCARD enum lhp_status lhp_semaphore_init(struct lhp_semaphore *semaphore, unsigned permits);
LHP_API void lhp_semaphore_destroy(struct lhp_semaphore *semaphore);
LHP_API void lhp_semaphore_acquire(struct lhp_semaphore *semaphore);
LHP_API LHP_NODISCARD enum lhp_status lhp_semaphore_try_acquire(struct lhp_semaphore *semaphore);
LHP_API LHP_NODISCARD enum lhp_status lhp_semaphore_acquire_for(struct lhp_semaphore *semaphore, int64_t timeout_ns);
/* Adds `n` permits, one after the other.  Returns: LHP_OK; LHP_INVALID for n = 0; LHP_OVER_BOUND past SEM_VALUE_MAX,
 * with those added that fitted. */
LHP_API enum lhp_status lhp_semaphore_release(struct lhp_semaphore *semaphore, unsigned n);
/* Returns: the permits there were at some moment during the call. */
LHP_API unsigned lhp_semaphore_value(struct lhp_semaphore *semaphore);

LHP_API LHP_NODISCARD enum lhp_status lhp_bounded_init(struct lhp_bounded *semaphore, unsigned permits);
LHP_API void lhp_bounded_destroy(struct lhp_bounded *semaphore);
LHP_API void lhp_bounded_acquire(struct lhp_bounded *semaphore);
LHP_API LHP_NODISCARD enum lhp_status lhp_bounded_try_acquire(struct lhp_bounded *semaphore);
LHP_API LHP_NODISCARD enum lhp_status lhp_bounded_acquire_for(struct lhp_bounded *semaphore, int64_t timeout_ns);
/* Returns: LHP_OK; LHP_INVALID for n = 0; LHP_OVER_BOUND and nothing added when it would exceed the bound. */
LHP_API enum lhp_status lhp_bounded_release(struct lhp_bounded *semaphore, unsigned n);
LHP_API unsigned lhp_bounded_value(struct lhp_bounded *semaphore);
LHP_END

#endif
