/* process_pool.h: ProcessPoolExecutor and Pool, processes that run registered functions and answer by futures.
 *
 *   submit --> [pending] --> manager thread --connection--> worker process: fn(bytes) --> bytes --> future
 *
 *   operation                       may block   signal handler   destructor
 *   lhp_process_function            no          no               yes
 *   lhp_process_pool_new            no          no               no
 *   lhp_process_pool_submit, map    no          no               yes
 *   lhp_process_pool_shutdown       if waiting  no               not in a callback
 *   lhp_process_pool_terminate      no          no               yes
 *   lhp_process_pool_workers        no          no               yes
 *   lhp_process_pool_delete         yes         no               not in a callback
 *
 * Edges:        submit happens before the function, the function before everything that sees its future done; arguments
 *               and results travel as bytes.
 * Death:        the future of a task whose worker dies gets LHP_WORKER_DIED, at once.  Then a Pool (`respawn`) starts
 *               another worker and goes on; an executor is broken, as Python's: every other future gets LHP_BROKEN and
 *               so do later submissions.  A worker that dies before it is ready breaks either kind.
 * Promise:      every future gets done; tasks begin in the order of their submission.
 * Cancellation: submit is not a cancellation point; delete and a waiting shutdown are, and may be repeated.
 * Fork:         workers are forked by new, and by the manager thread when it respawns; keep locks that functions need
 *               in shared memory.  The pool is not usable in a child.
 * Exit:         exit() shuts down every pool first: what was submitted is still run.
 * Lifetime:     delete shuts down, waits and frees.
 * Cost:         four system calls a task, two in either process, and one to wake the manager.
 * Source:       Python's concurrent.futures.ProcessPoolExecutor and multiprocessing.Pool.
 */
#ifndef LHP_PROCESS_POOL_H
#define LHP_PROCESS_POOL_H

#include <lhp/future.h>
#include <sys/types.h>

struct lhp_process_pool;

/* What a future of a pool has as its result; freed with the future. */
struct lhp_bytes {
    size_t size;
    unsigned char data[] __attribute__((aligned(16)));
};

/* Sets *result to memory from malloc(), or leaves it NULL.  Returns: 0, or an error code that makes the future fail. */
typedef int lhp_process_task(const void *argument, size_t size, void **result, size_t *result_size);

struct lhp_process_pool_options {
    unsigned workers;              /* 0: as many as processors */
    bool respawn;                  /* a Pool: go on after a death */
    int (*initializer)(void *arg); /* in each worker first; not 0 breaks the pool */
    void *initializer_arg;
};

LHP_BEGIN
/* Names a function for the pools made from now on; a name registered again means the new function.
 * Returns: LHP_OK; LHP_OVER_BOUND after 256 names; LHP_INVALID for a name of more than 63 bytes. */
LHP_API LHP_NODISCARD enum lhp_status lhp_process_function(const char *name, lhp_process_task *fn);
/* `options` may be NULL.  Returns: a pool with its workers started, or NULL (errno says why). */
LHP_API LHP_NODISCARD struct lhp_process_pool *lhp_process_pool_new(const struct lhp_process_pool_options *options);
LHP_API void lhp_process_pool_delete(struct lhp_process_pool *pool);
/* Copies the argument; sets *future, if not NULL, to a reference.  Returns: LHP_OK; LHP_INVALID for a name that is not
 * registered; LHP_SHUT_DOWN; LHP_BROKEN; LHP_NO_MEMORY. */
LHP_API LHP_NODISCARD enum lhp_status lhp_process_pool_submit(struct lhp_process_pool *pool, const char *function,
                                                              const void *argument, size_t size,
                                                              struct lhp_future **future);
/* Submits `function` once for each of `n` items of `item_size` bytes that lie one after the other; fills `futures`.
 * Returns: as submit; on failure no future is left. */
LHP_API LHP_NODISCARD enum lhp_status lhp_process_pool_map(struct lhp_process_pool *pool, const char *function,
                                                           const void *items, size_t item_size, size_t n,
                                                           struct lhp_future **futures);
/* No more submissions.  `cancel_futures`: what has not begun never will.  `wait`: until the workers have ended. */
LHP_API void lhp_process_pool_shutdown(struct lhp_process_pool *pool, bool wait, bool cancel_futures);
/* Kills the workers: futures that are not done get LHP_BROKEN. */
LHP_API void lhp_process_pool_terminate(struct lhp_process_pool *pool);
/* Writes the pids of at most `capacity` workers.  Returns: how many there are. */
LHP_API size_t lhp_process_pool_workers(struct lhp_process_pool *pool, pid_t *pids, size_t capacity);
LHP_END

#endif
