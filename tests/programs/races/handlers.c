/* handlers.c: a signal handler's access against another thread's, for every way to come into a handler and to leave it.
 *
 *   handlers CASE        the thread whose handler it was hands over: nothing may be reported
 *   handlers CASE racy   it does not: one race, between first(), in the handler, and second()
 *
 * The interrupted thread itself writes the same place before and after, which is never a race.  The first thread always acts first
 * (unseen.h), so that a run shows the same thing each time.
 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "accesses.h"
#include "chosen.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static sigjmp_buf back;
static volatile sig_atomic_t ran;
static bool handed_over; /* by the case itself */

static void hand_over(void)
{
    pthread_mutex_lock(&mutex);
    *cell = 4;
    pthread_mutex_unlock(&mutex);
}

static void handle(int number)
{
    (void)number;
    first();
    ran = 1;
}
static void handle_told(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (info->si_signo == number)
        handle(number);
}
static void handle_nested(int number)
{
    raise(number == SIGUSR1 ? SIGUSR2 : SIGUSR1);
}
static void handle_and_leave(int number)
{
    handle(number);
    siglongjmp(back, 1);
}

static void install(int number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    if (sigaction(number, &action, NULL) != 0)
        abort();
}

static void by_pthread_kill(void)
{
    install(SIGUSR1, handle, 0);
    pthread_kill(pthread_self(), SIGUSR1);
}
static void by_raise(void)
{
    install(SIGUSR1, handle, SA_RESTART);
    raise(SIGUSR1);
}
static void by_signal(void)
{
    signal(SIGUSR1, handle);
    raise(SIGUSR1);
}
static void by_queue(void)
{
    struct sigaction action = {.sa_sigaction = handle_told, .sa_flags = SA_SIGINFO};
    sigset_t wait;
    sigaction(SIGUSR1, &action, NULL);
    sigfillset(&wait);
    sigdelset(&wait, SIGUSR1);
    sigqueue(getpid(), SIGUSR1, (union sigval){1}); /* blocked everywhere: it waits for who takes it */
    while (!ran)
        sigsuspend(&wait);
}
static void by_timer(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    sigset_t wait;
    timer_t timer;
    install(SIGUSR1, handle, 0);
    sigfillset(&wait);
    sigdelset(&wait, SIGUSR1);
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 ||
        timer_settime(timer, 0, &(struct itimerspec){.it_value = {0, 1000000}}, NULL) != 0)
        abort();
    while (!ran)
        sigsuspend(&wait);
}
static void by_alternate_stack(void)
{
    stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
    sigaltstack(&stack, NULL);
    install(SIGUSR1, handle, SA_ONSTACK);
    raise(SIGUSR1);
}
static void by_nested(void)
{
    install(SIGUSR1, handle_nested, 0);
    install(SIGUSR2, handle, 0);
    raise(SIGUSR1);
}
static void by_jump(void)
{
    install(SIGUSR1, handle_and_leave, 0);
    if (sigsetjmp(back, 1) == 0)
        raise(SIGUSR1);
}
static void by_fault(void)
{
    install(SIGSEGV, handle_and_leave, 0);
    if (sigsetjmp(back, 1) == 0)
        *(volatile int *)8 = 1;
}

/* A call that never returns, for it faults and the handler leaves; then others from as deep, or deeper. */
static void leave(int number)
{
    siglongjmp(back, number);
}
static pthread_mutex_t unwanted = PTHREAD_MUTEX_INITIALIZER; /* by others: what comes behind it is in a later epoch */

static void leave_a_call(void)
{
    pthread_mutex_t *taken = racy ? &unwanted : &mutex;
    install(SIGSEGV, leave, 0);
    if (sigsetjmp(back, 1) == 0)
        pthread_mutex_trylock((pthread_mutex_t *)64);
    handed_over = !racy;
    pthread_mutex_lock(&unwanted);
    pthread_mutex_unlock(&unwanted);
    pthread_mutex_lock(taken);
    first();
    pthread_mutex_unlock(taken);
}
static void leave_a_call_above(void)
{
    install(SIGSEGV, leave, 0);
    if (sigsetjmp(back, 1) == 0)
        pthread_mutex_trylock((pthread_mutex_t *)64);
}
KEPT static void act_below(void)
{
    volatile char room[512];
    room[0] = 1;
    pthread_mutex_lock(&unwanted);
    pthread_mutex_unlock(&unwanted);
    first();
    handed_over = !racy;
    if (handed_over)
        hand_over();
}
static void by_call_left_above(void)
{
    leave_a_call_above();
    act_below();
}

static const struct {
    const char *name;
    void (*act)(void);
} cases[] = {
    {"pthread_kill", by_pthread_kill},
    {"raise", by_raise},
    {"signal", by_signal},
    {"queue", by_queue},
    {"timer", by_timer},
    {"alternate_stack", by_alternate_stack},
    {"nested", by_nested},
    {"jump", by_jump},
    {"fault", by_fault},
    {"call_left", leave_a_call},
    {"call_left_above", by_call_left_above},
};

/* What is queued or comes by a timer is blocked, and taken by who waits for it. */
static bool waits_for_it(void)
{
    return cases[chosen].act == by_queue || cases[chosen].act == by_timer;
}

static void *run_first(void *arg)
{
    *cell = 3;
    cases[chosen].act();
    if (!racy && !handed_over)
        hand_over();
    unseen_pass();
    return arg;
}

static void *run_second(void *arg)
{
    unseen_wait();
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    second();
    return arg;
}

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    sigset_t usr1;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    if (waits_for_it())
        pthread_sigmask(SIG_BLOCK, &usr1, NULL);
    return run_both(run_first, run_second);
}
