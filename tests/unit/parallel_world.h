/* parallel_world.h: a detector under real threads: a host whose ranks are real mutexes, threads that are known to the
 * detector, and mutexes that exist both for it and for libc.
 *
 *   parallel_world_start(options) --> parallel.d, .thread[], .mutex[] with .real_mutex[]
 *   parallel_world_run(body, args, n) --> n real threads --> verbs at once --> parallel.found[]
 */
#ifndef LOCKHOUND_TESTS_UNIT_PARALLEL_WORLD_H
#define LOCKHOUND_TESTS_UNIT_PARALLEL_WORLD_H

#include <pthread.h>
#include <stdatomic.h>

#include "detector/detector.h"

enum { PARALLEL_THREADS = 4, PARALLEL_LOCKS = 8 };

struct parallel_world {
    struct detector *d;
    struct thread *thread[PARALLEL_THREADS + 1]; /* 0 is the main one */
    struct object *mutex[PARALLEL_LOCKS];
    pthread_mutex_t real_mutex[PARALLEL_LOCKS];
    atomic_int found[FINDING_COUNT];
    atomic_int found_any;
    atomic_bool os_agrees; /* what the host answers when asked whether all are asleep */
};

extern struct parallel_world parallel;

void parallel_world_start(const struct detector_options *options);
/* Before what hangs on the detector is taken down; then the detector itself. */
void parallel_world_forget_threads(void);
void parallel_world_stop(void);
/* Runs body(args[i]) in a thread of its own for each i < count, and waits for all. */
void parallel_world_run(void *(*body)(void *arg), void *const *args, int count);

#endif
