/* signal_waits.c: signals that threads send, set timers for and wait for, while accesses are checked.
 *
 *   kill, sigqueue, ... --> what the sender did so far --[the signal's number]--> sigwait, ..., a handler, a read of a signalfd
 */
#include <errno.h>
#include <signal.h>
#include <sys/time.h>

#include "preload/intercept/io.h"

#define SENDS(number)                                                                                                  \
    do {                                                                                                               \
        if (hook_unlikely(weave_on))                                                                                   \
            io_sends_signal((number), CALLER());                                                                       \
    } while (0)

#define RECEIVES(number)                                                                                               \
    do {                                                                                                               \
        if (hook_unlikely(weave_on))                                                                                   \
            io_receives_signal((number), CALLER());                                                                    \
    } while (0)

#define FILLED(memory)                                                                                                 \
    do {                                                                                                               \
        if (hook_unlikely(weave_on))                                                                                   \
            access_note_far((memory), sizeof *(memory), RACE_WRITE, CALLER());                                         \
    } while (0)

/* A timer: what it was set to was read, what it was before is filled in. */
#define SET(result, next, before)                                                                                      \
    do {                                                                                                               \
        if (hook_unlikely(weave_on) && (result) == 0)                                                                  \
            access_note_far((next), sizeof *(next), 0, CALLER());                                                      \
        if ((result) == 0)                                                                                             \
            FILLED(before);                                                                                            \
    } while (0)

HOOK_EXPORT int kill(pid_t process, int number)
{
    SENDS(number);
    return real.kill(process, number);
}

HOOK_EXPORT int killpg(pid_t group, int number)
{
    SENDS(number);
    return real.killpg(group, number);
}

HOOK_EXPORT int tgkill(pid_t process, pid_t thread, int number)
{
    SENDS(number);
    return real.tgkill(process, thread, number);
}

HOOK_EXPORT int pthread_kill(pthread_t thread, int number)
{
    SENDS(number);
    return real.pthread_kill(thread, number);
}

HOOK_EXPORT int sigqueue(pid_t process, int number, const union sigval value)
{
    SENDS(number);
    return real.sigqueue(process, number, value);
}

HOOK_EXPORT int pthread_sigqueue(pthread_t thread, int number, const union sigval value)
{
    SENDS(number);
    return real.pthread_sigqueue(thread, number, value);
}

HOOK_EXPORT unsigned alarm(unsigned seconds)
{
    SENDS(SIGALRM);
    return real.alarm(seconds);
}

HOOK_EXPORT unsigned ualarm(unsigned first, unsigned next)
{
    SENDS(SIGALRM);
    return real.ualarm(first, next);
}

/* Under a C name of its own: the header's first parameter is an enumeration. */
HOOK_EXPORT int hook_setitimer(int which, const struct itimerval *next, struct itimerval *before) __asm__("setitimer");
int hook_setitimer(int which, const struct itimerval *next, struct itimerval *before)
{
    SENDS(which == ITIMER_REAL ? SIGALRM : which == ITIMER_VIRTUAL ? SIGVTALRM : SIGPROF);
    int result = real.setitimer(which, next, before);
    SET(result, next, before);
    return result;
}

HOOK_EXPORT int timer_settime(timer_t timer, int flags, const struct itimerspec *restrict next,
                              struct itimerspec *restrict before)
{
    if (hook_unlikely(weave_on))
        io_sets_timer(CALLER());
    int result = real.timer_settime(timer, flags, next, before);
    SET(result, next, before);
    return result;
}

HOOK_EXPORT int timer_gettime(timer_t timer, struct itimerspec *left)
{
    int result = real.timer_gettime(timer, left);
    if (result == 0)
        FILLED(left);
    return result;
}

HOOK_EXPORT int sigwait(const sigset_t *restrict set, int *restrict number)
{
    int error = real.sigwait(set, number);
    if (error == 0) {
        RECEIVES(*number);
        FILLED(number);
    }
    return error;
}

HOOK_EXPORT int sigwaitinfo(const sigset_t *restrict set, siginfo_t *restrict info)
{
    int number = real.sigwaitinfo(set, info);
    RECEIVES(number);
    if (number > 0)
        FILLED(info);
    return number;
}

HOOK_EXPORT int sigtimedwait(const sigset_t *restrict set, siginfo_t *restrict info,
                             const struct timespec *restrict timeout)
{
    int number = real.sigtimedwait(set, info, timeout);
    RECEIVES(number);
    if (number > 0)
        FILLED(info);
    return number;
}
