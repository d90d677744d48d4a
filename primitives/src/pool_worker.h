/* pool_worker.h: the worker's side of a process pool, and the messages between the two sides.
 *
 *   manager --struct pool_request + argument--> worker --struct pool_answer + result--> manager
 *
 * A worker's first answer (id 0) says that it is ready; an empty message tells it to leave, and so does EOF.
 */
#ifndef LHP_SRC_POOL_WORKER_H
#define LHP_SRC_POOL_WORKER_H

#include <lhp/connection.h>
#include <lhp/process_pool.h>

struct pool_request {
    uint64_t id; /* from 1 */
    uint32_t function;
    uint32_t unused; /* keeps the argument aligned */
};

struct pool_answer {
    uint64_t id;
    int32_t error;
    uint32_t unused;
};

/* Returns: the number of a registered function, or -1. */
int lhp_pool_find_function(const char *name);
int lhp_pool_function_count(void);

/* What the child is given; the connections are its own after fork. */
struct pool_worker_start {
    struct lhp_connection connection;
    struct lhp_connection *parents_ends; /* of the whole pool: to be closed */
    unsigned count;
    int (*initializer)(void *arg);
    void *initializer_arg;
};

/* The body of a worker process; `arg` is a struct pool_worker_start. */
int lhp_pool_worker_body(void *arg);

#endif
