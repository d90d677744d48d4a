/* executor.h: ThreadPoolExecutor, threads that run what is submitted and answer by futures.
 *
 *   submit --> [queue] --> worker: fn(arg, &result) --> future
 *
 *   operation                     may block   signal handler   destructor
 *   lhp_executor_new              no          no               yes
 *   lhp_executor_submit           no (1)      no               yes
 *   lhp_executor_map              no (1)      no               yes
 *   lhp_map_next[_for]            yes         no               yes
 *   lhp_map_release               yes         no               not in a worker
 *   lhp_executor_workers          no          no               yes
 *   lhp_executor_shutdown         if waiting  no               not in a worker
 *   lhp_executor_delete           yes         no               not in a worker
 *
 *   (1) but starts a thread when no worker is idle and there may be more.
 *
 * Edges:        submit happens before the function; the function happens before everything that sees its future done;
 *               the initializer happens before every function of its worker.
 * Promise:      tasks begin in the order of their submission; a worker that is idle is used before one is started;
 *               every future gets done, also at shutdown and after a failed initializer.
 * Cancellation: the waits are cancellation points.  Cancelling a worker thread is not supported.
 * Fork:         the workers are not in the child; do not use the executor there.
 * Exit:         exit() shuts down every executor first: what was submitted is still run.
 * Lifetime:     delete shuts down, waits and frees.
 * Cost:         two allocations and one queue hand-over a task.
 * Source:       Python's concurrent.futures.ThreadPoolExecutor.
 */
#ifndef LHP_EXECUTOR_H
#define LHP_EXECUTOR_H

#include <lhp/future.h>

struct lhp_executor;
struct lhp_map;

/* A task: returns 0, or an error code that makes the future fail. */
typedef int lhp_task(void *arg, void **result);

struct lhp_executor_options {
    unsigned max_workers;          /* 0: processors + 4, at most 32 */
    const char *name;              /* of the threads, "NAME-0", "NAME-1", ...; NULL for "Executor" */
    int (*initializer)(void *arg); /* in each worker first; not 0 breaks the executor */
    void *initializer_arg;
};

LHP_BEGIN
/* `options` may be NULL.  Returns: an executor, or NULL when there is no memory. */
LHP_API LHP_NODISCARD struct lhp_executor *lhp_executor_new(const struct lhp_executor_options *options);
/* Shuts down, waits for the workers and frees.  Not from a worker. */
LHP_API void lhp_executor_delete(struct lhp_executor *executor);
/* Sets *future, if not NULL, to a reference.  Returns: LHP_OK; LHP_SHUT_DOWN; LHP_BROKEN; LHP_NO_MEMORY; LHP_SYSTEM when
 * not even one worker could be started. */
LHP_API LHP_NODISCARD enum lhp_status lhp_executor_submit(struct lhp_executor *executor, lhp_task *fn, void *arg,
                                                          struct lhp_future **future);
/* Runs fn on each of `n` items, `chunk` of them a task (0 counts as 1); sets *map to an iteration over the results in
 * the order of the items.  Returns: as submit. */
LHP_API LHP_NODISCARD enum lhp_status lhp_executor_map(struct lhp_executor *executor, lhp_task *fn, void *const *items,
                                                       size_t n, size_t chunk, struct lhp_map **map);
/* Returns: LHP_OK and *result; LHP_STOPPED after the last; LHP_FAILED for an item whose function failed (the next call
 * goes on with the next item); LHP_CANCELLED; LHP_BROKEN. */
LHP_API LHP_NODISCARD enum lhp_status lhp_map_next(struct lhp_map *map, void **result);
/* Returns: as next, or LHP_TIMEOUT, and the same item comes again. */
LHP_API LHP_NODISCARD enum lhp_status lhp_map_next_for(struct lhp_map *map, int64_t timeout_ns, void **result);
/* Cancels what has not begun, waits for what has, frees. */
LHP_API void lhp_map_release(struct lhp_map *map);
/* No more submissions.  `cancel_futures`: what has not begun never will.  `wait`: until the workers have ended.
 * Returns: LHP_OK, or LHP_DEADLOCK when a worker would wait for itself (it is shut down all the same). */
LHP_API enum lhp_status lhp_executor_shutdown(struct lhp_executor *executor, bool wait, bool cancel_futures);
/* Returns: how many threads it has started. */
LHP_API unsigned lhp_executor_workers(struct lhp_executor *executor);
LHP_END

#endif
