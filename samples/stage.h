/* stage.h: plays the threads of a sample in one fixed order, so that each run shows the same thing.
 *
 *   thread 1:  ... stage_advance();          thread 2:  stage_await(1); ...
 *
 * A counter and a spin stay out of the picture.  Ordering the threads with a mutex, a semaphore or a join would make
 * the order part of the program's synchronisation, and what a sample wants to show is what is missing there.
 */
#ifndef SAMPLES_STAGE_H
#define SAMPLES_STAGE_H

#ifdef __cplusplus
#include <atomic>
using std::atomic_fetch_add, std::atomic_int, std::atomic_load, std::atomic_store;
#else
#include <stdatomic.h>
#endif
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int stage_reached;

static inline void stage_advance(void)
{
    atomic_fetch_add(&stage_reached, 1);
}

/* Returns once stage_advance() has been called `count` times. */
static inline void stage_await(int count)
{
    while (atomic_load(&stage_reached) < count)
        sched_yield();
}

/* For stage_await_asleep(): the thread that is about to block says who it is. */
static inline void stage_announce(atomic_int *tid)
{
    atomic_store(tid, (int)syscall(SYS_gettid));
}

static inline char stage_thread_state(int tid)
{
    char path[64], line[256] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
    FILE *stat = fopen(path, "re");
    if (!stat)
        return '?';
    size_t length = fread(line, 1, sizeof line - 1, stat);
    fclose(stat);
    line[length] = '\0';
    const char *name_end = strrchr(line, ')');
    return name_end && name_end[1] ? name_end[2] : '?';
}

/* Returns once the thread that announced itself in `tid` sleeps in the kernel. */
static inline void stage_await_asleep(atomic_int *tid)
{
    while (atomic_load(tid) == 0 || stage_thread_state(atomic_load(tid)) != 'S')
        sched_yield();
}

#endif
