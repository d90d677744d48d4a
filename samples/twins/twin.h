/* twin.h: what the broken twins have in common: threads, and an order of events that no checking tool can see.
 *
 * stage_set(n) and stage_wait(n) put steps of different threads in order by the offset of a file, which the kernel keeps:
 * no lock, no atomic and no memory of the program is involved, so no tool takes it for synchronisation.
 */
#ifndef LHP_SAMPLES_TWIN_H
#define LHP_SAMPLES_TWIN_H

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static int stage_file = -1;

static inline void must(int truth)
{
    if (truth)
        return;
    perror("twin: a call that must not fail");
    _Exit(99);
}

__attribute__((constructor)) static void stage_init(void)
{
    must((stage_file = memfd_create("stage", MFD_CLOEXEC)) >= 0);
}

static inline void stage_set(long n)
{
    must(lseek(stage_file, n, SEEK_SET) == n);
}

static inline void stage_wait(long n)
{
    while (lseek(stage_file, 0, SEEK_CUR) < n)
        sched_yield();
}

static inline pthread_t spawn(void *(*body)(void *), void *arg)
{
    pthread_t thread;
    must(pthread_create(&thread, NULL, body, arg) == 0);
    return thread;
}

static inline void join(pthread_t thread)
{
    must(pthread_join(thread, NULL) == 0);
}

/* Runs both at the same time and waits for both. */
static inline void run_two(void *(*a)(void *), void *(*b)(void *))
{
    pthread_t first = spawn(a, NULL), second = spawn(b, NULL);
    join(first);
    join(second);
}

#endif
