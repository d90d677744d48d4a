/* queue.h: Queue, which hands items from thread to thread: first in first out, last in first out, or smallest first.
 *
 *   put --> [FIFO ring | LIFO stack | heap] --get--> work --task_done--> join returns when all is done
 *
 *   operation                     may block   signal handler   destructor
 *   lhp_queue_init                no          no               yes
 *   lhp_queue_put[_for]           yes         no               yes
 *   lhp_queue_get[_for]           yes         no               yes
 *   lhp_queue_try_put, try_get    no          no               yes
 *   lhp_queue_task_done           no          no               yes
 *   lhp_queue_join[_for]          yes         no               yes
 *   lhp_queue_size, empty, full   no          no               yes
 *   lhp_queue_shutdown            no          no               yes
 *   lhp_queue_destroy             no          no               yes
 *
 * Edges:        a put happens before the get that returns its item; every task_done happens before the return of the
 *               join that it completes.
 * Order:        FIFO: items leave in the order of their puts; priority: a smallest one first, equals in the order of
 *               their puts.
 * Invariant:    size <= limit when there is one; unfinished >= size; told <= asleep.
 * Cancellation: put, get and join are cancellation points while they wait: a cancelled put has put nothing, a cancelled
 *               get has taken nothing, and no wake-up is lost.
 * Fork:         initialise again in the child, or do not use.
 * Lifetime:     destroy when nobody is inside a call; items left are given to `drop`.
 * Cost:         one mutex a call; in a queue with a small limit a thread spins for some microseconds before it sleeps, and
 *               nobody signals a sleeper twice.
 * Source:       Python's queue.Queue, LifoQueue, PriorityQueue, and shutdown() of Python 3.13.
 */
#ifndef LHP_QUEUE_H
#define LHP_QUEUE_H

#include <lhp/status.h>
#include <pthread.h>

enum lhp_queue_kind { LHP_QUEUE_FIFO, LHP_QUEUE_LIFO, LHP_QUEUE_PRIORITY };

struct lhp_queue_entry;

/* Getters that wait for an item, or putters that wait for room; guarded by the queue's mutex. */
struct lhp_queue_sleepers {
    pthread_cond_t changed;
    size_t asleep; /* have not come back from their wait */
    size_t told;   /* of them, how many a signal is on its way to; or fewer */
};

struct lhp_queue {
    pthread_mutex_t mutex;
    pthread_cond_t all_done;
    struct lhp_queue_sleepers getters, putters;
    enum lhp_queue_kind kind;
    int (*compare)(const void *a, const void *b);
    void (*drop)(void *item);
    size_t limit; /* 0: none */
    struct lhp_queue_entry *entries;
    size_t capacity, head, size;
    size_t unfinished;
    uint64_t puts; /* numbers entries of equal priority */
    bool shut_down;
};

LHP_BEGIN
/* `limit` bounds the number of items, 0 does not.  `compare` orders the items of a priority queue as for qsort(), with
 * the items themselves as arguments; NULL for the other kinds.  `drop`, if not NULL, receives items that nobody will.
 * Both are called with the queue locked: they must not use it.
 * Returns: LHP_OK, LHP_INVALID for a priority queue without order, LHP_NO_MEMORY. */
LHP_API LHP_NODISCARD enum lhp_status lhp_queue_init(struct lhp_queue *queue, enum lhp_queue_kind kind, size_t limit,
                                                     int (*compare)(const void *a, const void *b),
                                                     void (*drop)(void *item));
LHP_API void lhp_queue_destroy(struct lhp_queue *queue);
/* Returns: LHP_OK; LHP_SHUT_DOWN; LHP_NO_MEMORY. */
LHP_API LHP_NODISCARD enum lhp_status lhp_queue_put(struct lhp_queue *queue, void *item);
/* Returns: as put, or LHP_FULL. */
LHP_API LHP_NODISCARD enum lhp_status lhp_queue_try_put(struct lhp_queue *queue, void *item);
LHP_API LHP_NODISCARD enum lhp_status lhp_queue_put_for(struct lhp_queue *queue, void *item, int64_t timeout_ns);
/* Returns: LHP_OK and *item; LHP_SHUT_DOWN when it is shut down and nothing is left. */
LHP_API LHP_NODISCARD enum lhp_status lhp_queue_get(struct lhp_queue *queue, void **item);
/* Returns: as get, or LHP_EMPTY. */
LHP_API LHP_NODISCARD enum lhp_status lhp_queue_try_get(struct lhp_queue *queue, void **item);
LHP_API LHP_NODISCARD enum lhp_status lhp_queue_get_for(struct lhp_queue *queue, void **item, int64_t timeout_ns);
/* Says that the work for one gotten item is done.  Returns: LHP_OK, or LHP_OVER_BOUND when it was said too often. */
LHP_API enum lhp_status lhp_queue_task_done(struct lhp_queue *queue);
/* Waits until every item ever put has been gotten and done.  Returns: LHP_OK. */
LHP_API enum lhp_status lhp_queue_join(struct lhp_queue *queue);
/* Returns: LHP_OK or LHP_TIMEOUT. */
LHP_API LHP_NODISCARD enum lhp_status lhp_queue_join_for(struct lhp_queue *queue, int64_t timeout_ns);
LHP_API size_t lhp_queue_size(struct lhp_queue *queue);
LHP_API bool lhp_queue_empty(struct lhp_queue *queue);
LHP_API bool lhp_queue_full(struct lhp_queue *queue);
/* No more puts.  Gets go on until it is empty, or end at once when `immediate`: the items left are dropped and count as
 * done. */
LHP_API void lhp_queue_shutdown(struct lhp_queue *queue, bool immediate);
LHP_END

#endif
