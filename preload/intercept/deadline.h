/* deadline.h: the time limits of timed calls, judged as glibc judges them.
 *
 * The read-write lock and semaphore calls refuse a bad limit even when they would not have to wait; a hook that tries
 * first must therefore look first.  The mutex calls refuse it only when they would wait, but a clock that they do not know
 * at once.
 * Source: glibc nptl/pthread_rwlock_common.c, sem_timedwait.c, sem_clockwait.c, pthread_mutex_timedlock.c.
 */
#ifndef LOCKHOUND_PRELOAD_INTERCEPT_DEADLINE_H
#define LOCKHOUND_PRELOAD_INTERCEPT_DEADLINE_H

#include <stdbool.h>
#include <time.h>

enum deadline_form { DEADLINE_NONE, DEADLINE_TIMED, DEADLINE_CLOCK };

struct deadline {
    enum deadline_form form;
    clockid_t clock; /* DEADLINE_CLOCK only */
    const struct timespec *until;
};

enum { DEADLINE_NS_PER_S = 1000000000 };

static inline bool deadline_clock_is_known(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC;
}

static inline bool deadline_is_valid(const struct deadline *deadline)
{
    if (deadline->form == DEADLINE_NONE || deadline->until == NULL)
        return true;
    if (deadline->form == DEADLINE_CLOCK && !deadline_clock_is_known(deadline->clock))
        return false;
    return deadline->until->tv_nsec >= 0 && deadline->until->tv_nsec < DEADLINE_NS_PER_S;
}

#endif
