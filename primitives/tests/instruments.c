#include "instruments.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

enum { STILL_FOR_S = 40, ONE_IN = 32 };

static atomic_bool is_time_still;

void instruments_still_time(bool is_still)
{
    atomic_store(&is_time_still, is_still);
    alarm(is_still ? STILL_FOR_S : 0);
}

/* xorshift64 (Marsaglia 2003), another one in each thread. */
static void maybe_yield(void)
{
    static _Thread_local uint64_t state;
    if (state == 0)
        state = (uint64_t)gettid() * 0x9e3779b97f4a7c15u | 1;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    if (state % ONE_IN == 0)
        sched_yield();
}

/* A call of libc's under the library's name for it, `before` and `after` which others may come in. */
#define BETWEEN(name, parameters, arguments)                                                                           \
    int __real_##name parameters;                                                                                      \
    int __wrap_##name parameters;                                                                                      \
    int __wrap_##name parameters                                                                                       \
    {                                                                                                                  \
        maybe_yield();                                                                                                 \
        int result = __real_##name arguments;                                                                          \
        maybe_yield();                                                                                                 \
        return result;                                                                                                 \
    }

/* The same of one with a limit; `endless` is the call without. */
#define LIMITED(name, parameters, arguments, endless)                                                                  \
    int __real_##name parameters;                                                                                      \
    int __wrap_##name parameters;                                                                                      \
    int __wrap_##name parameters                                                                                       \
    {                                                                                                                  \
        maybe_yield();                                                                                                 \
        return atomic_load(&is_time_still) ? endless : __real_##name arguments;                                        \
    }

BETWEEN(pthread_mutex_lock, (pthread_mutex_t * mutex), (mutex))
BETWEEN(pthread_mutex_trylock, (pthread_mutex_t * mutex), (mutex))
BETWEEN(pthread_mutex_unlock, (pthread_mutex_t * mutex), (mutex))
BETWEEN(pthread_cond_signal, (pthread_cond_t * cond), (cond))
BETWEEN(pthread_cond_broadcast, (pthread_cond_t * cond), (cond))
BETWEEN(sem_post, (sem_t * sem), (sem))
BETWEEN(sem_trywait, (sem_t * sem), (sem))
BETWEEN(sem_getvalue, (sem_t * sem, int *value), (sem, value))

LIMITED(sem_clockwait, (sem_t * sem, clockid_t clock, const struct timespec *at), (sem, clock, at), sem_wait(sem))
LIMITED(pthread_cond_timedwait, (pthread_cond_t * cond, pthread_mutex_t *mutex, const struct timespec *at),
        (cond, mutex, at), pthread_cond_wait(cond, mutex))
LIMITED(pthread_mutex_clocklock, (pthread_mutex_t * mutex, clockid_t clock, const struct timespec *at),
        (mutex, clock, at), pthread_mutex_lock(mutex))
LIMITED(pthread_rwlock_clockrdlock, (pthread_rwlock_t * lock, clockid_t clock, const struct timespec *at),
        (lock, clock, at), pthread_rwlock_rdlock(lock))
LIMITED(pthread_rwlock_clockwrlock, (pthread_rwlock_t * lock, clockid_t clock, const struct timespec *at),
        (lock, clock, at), pthread_rwlock_wrlock(lock))
LIMITED(poll, (struct pollfd * fds, nfds_t count, int ms), (fds, count, ms), __real_poll(fds, count, -1))
LIMITED(ppoll, (struct pollfd * fds, nfds_t count, const struct timespec *limit, const sigset_t *signals),
        (fds, count, limit, signals), __real_ppoll(fds, count, NULL, signals))
