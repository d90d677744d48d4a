/* timing.h: time limits on CLOCK_MONOTONIC, and the timed forms of the constructs underneath.
 *
 *   timeout_ns --deadline_after()--> struct deadline --> timing_*_until() --> 0, ETIMEDOUT or another errno
 *
 * A deadline is absolute, so that a wait interrupted by a signal or a spurious wake-up resumes with what is left.
 */
#ifndef LHP_SRC_TIMING_H
#define LHP_SRC_TIMING_H

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "annotate.h"

struct deadline {
    bool forever;
    bool now; /* a limit of 0: try, never sleep */
    struct timespec at;
};

static inline int64_t timing_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline struct deadline deadline_after(int64_t timeout_ns)
{
    struct deadline d = {.forever = timeout_ns < 0, .now = timeout_ns == 0};
    if (timeout_ns <= 0)
        return d;
    int64_t now = timing_now_ns();
    int64_t at = timeout_ns > INT64_MAX - now ? INT64_MAX : now + timeout_ns;
    d.at.tv_sec = at / 1000000000;
    d.at.tv_nsec = at % 1000000000;
    return d;
}

/* Units: ns.  Returns: 0 when it has passed, -1 for no limit. */
static inline int64_t deadline_left_ns(const struct deadline *d)
{
    if (d->forever)
        return -1;
    if (d->now)
        return 0;
    int64_t left = (int64_t)d->at.tv_sec * 1000000000 + d->at.tv_nsec - timing_now_ns();
    return left > 0 ? left : 0;
}

/* Every condition variable of the library counts on the monotonic clock. */
static inline int timing_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    int err = pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
    return err;
}

/* Returns: 0 (perhaps spuriously) or ETIMEDOUT. */
static inline int timing_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct deadline *d)
{
    if (d->now)
        return ETIMEDOUT;
    if (d->forever)
        return pthread_cond_wait(cond, mutex);
    return pthread_cond_timedwait(cond, mutex, &d->at);
}

static inline int timing_sem_wait_until(sem_t *sem, const struct deadline *d)
{
    int err;
    do {
        if (d->now)
            err = sem_trywait(sem) ? errno : 0;
        else if (d->forever)
            err = sem_wait(sem) ? errno : 0;
        else
            err = sem_clockwait(sem, CLOCK_MONOTONIC, &d->at) ? errno : 0;
    } while (err == EINTR);
    if (err == 0)
        NOTE_SEM_ACQUIRED(sem);
    return err == EAGAIN ? ETIMEDOUT : err;
}

/* For pthread_cleanup_push(), of a wait for a semaphore for which others wait: a post wakes one sleeper, and glibc lets one who is
 * cancelled at that moment take the wake-up along; the next would sleep on although there is something for him. */
static inline void timing_sem_pass_on(void *sem)
{
    if (sem_trywait(sem) == 0)
        sem_post(sem);
}

static inline int timing_mutex_lock_until(pthread_mutex_t *mutex, const struct deadline *d)
{
    int err;
    if (d->now)
        err = pthread_mutex_trylock(mutex);
    else if (d->forever)
        err = pthread_mutex_lock(mutex);
    else if ((err = pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &d->at)) == 0 || err == EOWNERDEAD)
        NOTE_MUTEX_LOCKED(mutex);
    return err == EBUSY ? ETIMEDOUT : err;
}

static inline int timing_rdlock_until(pthread_rwlock_t *lock, const struct deadline *d)
{
    int err;
    if (d->now)
        err = pthread_rwlock_tryrdlock(lock);
    else if (d->forever)
        err = pthread_rwlock_rdlock(lock);
    else if ((err = pthread_rwlock_clockrdlock(lock, CLOCK_MONOTONIC, &d->at)) == 0)
        NOTE_RWLOCK_LOCKED(lock, 0);
    return err == EBUSY ? ETIMEDOUT : err;
}

static inline int timing_wrlock_until(pthread_rwlock_t *lock, const struct deadline *d)
{
    int err;
    if (d->now)
        err = pthread_rwlock_trywrlock(lock);
    else if (d->forever)
        err = pthread_rwlock_wrlock(lock);
    else if ((err = pthread_rwlock_clockwrlock(lock, CLOCK_MONOTONIC, &d->at)) == 0)
        NOTE_RWLOCK_LOCKED(lock, 1);
    return err == EBUSY ? ETIMEDOUT : err;
}

/* One breath of a spinning thread. */
static inline void timing_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#else
    __asm__ volatile("" ::: "memory");
#endif
}

/* For pthread_cleanup_push(): a cancelled condition wait returns with the mutex held. */
static inline void timing_unlock_cleanup(void *mutex)
{
    pthread_mutex_unlock(mutex);
}

#endif
