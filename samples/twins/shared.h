/* shared.h: what the twins of the process-shared primitives have in common: memory and objects that a child shares, and the
 * child.
 */
#ifndef LHP_SAMPLES_SHARED_H
#define LHP_SAMPLES_SHARED_H

#include <semaphore.h>
#include <sys/wait.h>

#include "twin.h"

static inline void *shared_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(memory != MAP_FAILED);
    return memory;
}

static inline void shared_mutex_init(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    must(pthread_mutex_init(mutex, &attr) == 0);
    pthread_mutexattr_destroy(&attr);
}

static inline void shared_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    must(pthread_cond_init(cond, &attr) == 0);
    pthread_condattr_destroy(&attr);
}

/* Runs body(arg) in a child.  Returns: its pid. */
static inline pid_t shared_child(void (*body)(void *), void *arg)
{
    pid_t child = fork();
    must(child >= 0);
    if (child == 0) {
        body(arg);
        _exit(0);
    }
    return child;
}

static inline void shared_child_end(pid_t child)
{
    must(waitpid(child, NULL, 0) == child);
}

#endif
