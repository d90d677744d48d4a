/* gil.h: a global interpreter lock: one thread of many runs at a time, and none of them for ever.
 *
 *   acquire: held by another? --wait one interval--> still the same holder? --> ask it to drop
 *   holder:  check() at every safe point --asked--> drop, wait until another has taken it, take it again
 *
 *   operation                  may block   signal handler   destructor
 *   lhp_gil_init, destroy      no          no               yes
 *   lhp_gil_acquire            yes         no               yes
 *   lhp_gil_release            yes (1)     no               yes
 *   lhp_gil_check              yes         no               no
 *   lhp_gil_switches           no          no               yes
 *   lhp_gil_at_fork_reinit     no          no               no
 *
 *   (1) when it was asked to drop: until a thread that waits has taken it (a forced switch: without it the releasing
 *   thread, which is running, would win it back every time).
 *
 * Edges:        a release happens before the next acquire.
 * Fairness:     a thread that waits gets its turn after at most one interval and the time to the next check for each
 *               thread that came before it.
 * Invariant:    held or waiting = 0 or somebody has been signalled; `switches` counts acquisitions.
 * Cancellation: not a cancellation point: a thread that asked for it takes it.
 * Fork:         the child holds it if the forking thread did; call lhp_gil_at_fork_reinit() in the child.
 * Lifetime:     destroy when nobody holds it or waits.
 * Cost:         check() is one relaxed load; acquire and release a mutex each.
 * Source:       CPython 3.2 and later (ceval_gil.h), after Antoine Pitrou's design of 2009.
 */
#ifndef LHP_GIL_H
#define LHP_GIL_H

#include <lhp/status.h>
#include <pthread.h>

#define LHP_GIL_INTERVAL_NS LHP_MS(5)

struct lhp_gil {
    pthread_mutex_t mutex;
    pthread_cond_t dropped;  /* the next may take it */
    pthread_cond_t switched; /* another has taken it */
    bool held;
    unsigned waiting;
    uint64_t switches;
    int64_t interval_ns;
    int drop_request; /* accessed atomically */
};

LHP_BEGIN
/* Free.  `interval_ns` 0 means LHP_GIL_INTERVAL_NS. */
LHP_API void lhp_gil_init(struct lhp_gil *gil, int64_t interval_ns);
LHP_API void lhp_gil_destroy(struct lhp_gil *gil);
LHP_API void lhp_gil_acquire(struct lhp_gil *gil);
/* The caller must hold it.  Around a blocking call: release, call, acquire. */
LHP_API void lhp_gil_release(struct lhp_gil *gil);
/* At a safe point of the holder: gives way when somebody has asked for it.  Returns: whether it did. */
LHP_API bool lhp_gil_check(struct lhp_gil *gil);
/* Returns: how often it has been acquired. */
LHP_API uint64_t lhp_gil_switches(struct lhp_gil *gil);
/* In a forked child: held by the calling thread when `held`, and nobody waits. */
LHP_API void lhp_gil_at_fork_reinit(struct lhp_gil *gil, bool held);
LHP_END

#endif
