/* pool_manager.h: the parent's side of a process pool: its tasks, its workers, and the thread that brings them together.
 *
 *   submit --> [pending] --manager: dispatch--> worker i --answer--> manager: finish --> future
 *                                                   \--dies--> its task fails; another worker, or the pool is broken
 *
 * Threads: workers and ends are the manager's once it exists, except for the processes in `workers`, which are read and changed
 *          with the mutex held.
 */
#ifndef LHP_SRC_POOL_MANAGER_H
#define LHP_SRC_POOL_MANAGER_H

#include <lhp/process.h>
#include <lhp/thread.h>

#include "pool_worker.h"

/* A task: its request as it goes over the wire, and the future it answers to. */
struct task {
    struct task *next;
    struct lhp_future *future;
    size_t size;
    struct pool_request request; /* followed by the argument */
};

struct worker {
    struct lhp_process *process; /* NULL when there is none */
    struct task *task;           /* what it works on */
    bool ready;
};

struct lhp_process_pool {
    unsigned count;
    int functions; /* registered before the workers were forked */
    int (*initializer)(void *arg);
    void *initializer_arg;
    struct lhp_connection *ends; /* the parent's, one a worker; the manager's alone */
    int wake;                    /* an eventfd: submissions and shutdown tell the manager */
    struct lhp_thread *manager;
    pthread_mutex_t mutex; /* guards what follows */
    struct worker *workers;
    struct task *pending, **last_pending;
    uint64_t next_id;
    bool shut_down, broken, terminated, respawn;
    bool left; /* shut down at exit, guarded by `pools.mutex` as is the list */
    struct lhp_process_pool *prev, *next;
};

void lhp_pool_task_delete(struct task *t);
void lhp_pool_task_fail(struct task *t, enum lhp_status outcome);
/* Returns: the oldest task that no worker has, now the caller's; or NULL. */
struct task *lhp_pool_take_pending(struct lhp_process_pool *pool);

/* Makes worker `i`.  Returns: false when the system refuses. */
bool lhp_pool_spawn(struct lhp_process_pool *pool, unsigned i);
/* Fails everything that is not done and lets the other workers go. */
void lhp_pool_break(struct lhp_process_pool *pool);
/* The body of the manager's thread, which gets the pool. */
int lhp_pool_manage(void *pool);
/* There is something to do for it. */
void lhp_pool_wake(struct lhp_process_pool *pool);

#endif
