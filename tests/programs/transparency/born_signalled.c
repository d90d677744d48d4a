/* born_signalled.c: a signal for a thread that has just been created comes to that thread, in its handler too, which has the mask that
 * it was given. */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>

enum { THREADS = 50 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t said;
static volatile sig_atomic_t handled;
static int counted;

/* By the thread itself: no race with what it does elsewhere. */
static void handle(int number)
{
    (void)number;
    counted++;
    sem_post(&said);
    handled = 1;
}

static int mask_size(void)
{
    sigset_t mask;
    int size = 0;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    for (int i = 1; i < NSIG; i++)
        size += sigismember(&mask, i) == 1;
    return size;
}

static void *wait_for_it(void *arg)
{
    (void)arg;
    while (!handled)
        sched_yield();
    pthread_mutex_lock(&lock);
    counted++;
    pthread_mutex_unlock(&lock);
    return (void *)(long)mask_size();
}

static int wait_for_it_too(void *arg)
{
    return (int)(long)wait_for_it(arg);
}

static long run(const pthread_attr_t *attr)
{
    pthread_t thread;
    void *size;
    handled = attr != NULL; /* no signal where the mask is an attribute */
    if (pthread_create(&thread, attr, wait_for_it, NULL) != 0)
        abort();
    if (!handled) {
        pthread_kill(thread, SIGUSR1);
        sem_wait(&said);
    }
    pthread_join(thread, &size);
    return (long)size;
}

static int run_by_c11(void)
{
    thrd_t thread;
    int size;
    handled = 0;
    if (thrd_create(&thread, wait_for_it_too, NULL) != thrd_success || pthread_kill(thread, SIGUSR1) != 0)
        abort();
    sem_wait(&said);
    thrd_join(thread, &size);
    return size;
}

int main(void)
{
    pthread_attr_t attr;
    sigset_t mask;
    sem_init(&said, 0, 0);
    signal(SIGUSR1, handle);
    for (int i = 0; i < THREADS; i++)
        if (run(NULL) != 0 || run_by_c11() != 0)
            abort();
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    pthread_attr_init(&attr);
    pthread_attr_setsigmask_np(&attr, &mask);
    printf("%ld of the attributes' mask\n", run(&attr));
    sigaddset(&mask, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &mask, NULL);
    printf("%ld inherited, %d kept\n", run(NULL), mask_size());
    printf("%d counted\n", counted);
    return 0;
}
