/* alarmed.c WAY: every thread sleeps for what none will do, and a timer's signal ends that.
 *
 *   leave:  its handler leaves a second lock of a mutex by siglongjmp(); the program goes on
 *   timer:  the same with a timer of timer_create()
 *   exit:   its handler ends the process
 *   thread: its handler ends a thread that spins for a lock, for which the first thread waits
 *   signal: its handler leaves a wait for a condition that nobody is left to signal
 */
#include "show.h"
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LATER_US = 300000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_spinlock_t spinlock;
static sigjmp_buf way_out;

static void leave(int number)
{
    (void)number;
    siglongjmp(way_out, 1);
}

static void end_process(int number)
{
    (void)number;
    _exit(3);
}

static void end_thread(int number)
{
    (void)number;
    pthread_exit(NULL);
}

static void on_alarm(void (*handler)(int number))
{
    const struct sigaction action = {.sa_handler = handler};
    sigaction(SIGALRM, &action, NULL);
}

static void set_timer(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    const struct itimerspec once = {.it_value = {.tv_nsec = LATER_US * 1000L}};
    timer_t timer;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 || timer_settime(timer, 0, &once, NULL) != 0)
        printf("FAILED: timer\n");
}

static void *spin(void *unused)
{
    ualarm(LATER_US, 0);
    pthread_spin_lock(&spinlock);
    return unused;
}

static void wait_for_spinner(void)
{
    pthread_t thread;
    sigset_t alarms;
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    pthread_spin_init(&spinlock, PTHREAD_PROCESS_PRIVATE);
    pthread_spin_lock(&spinlock);
    pthread_create(&thread, NULL, spin, NULL);
    pthread_sigmask(SIG_BLOCK, &alarms, NULL);
    pthread_join(thread, NULL);
    pthread_spin_unlock(&spinlock);
}

static void lock_twice(void)
{
    if (sigsetjmp(way_out, 1) == 0) {
        pthread_mutex_lock(&mutex);
        pthread_mutex_lock(&mutex);
    }
    printf("unlock %d\n", pthread_mutex_unlock(&mutex));
}

static void wait_for_nobody(void)
{
    pthread_mutex_lock(&mutex);
    if (sigsetjmp(way_out, 1) == 0)
        pthread_cond_wait(&condition, &mutex);
    printf("left the wait\n");
}

int main(int argc, char **argv)
{
    const char *way = argc == 2 ? argv[1] : "";
    bool is_thread = strcmp(way, "thread") == 0;
    setvbuf(stdout, NULL, _IONBF, 0);
    on_alarm(is_thread ? end_thread : strcmp(way, "exit") == 0 ? end_process : leave);
    if (is_thread) {
        wait_for_spinner();
    } else {
        if (strcmp(way, "timer") == 0)
            set_timer();
        else
            ualarm(LATER_US, 0);
        if (strcmp(way, "signal") == 0)
            wait_for_nobody();
        else
            lock_twice();
    }
    printf("the end\n");
    return 0;
}
