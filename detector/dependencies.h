/* dependencies.h: the store of lock-order evidence: which thread wanted which lock while holding which others.
 *
 *   lock_node  (a lock generation) --wanted_by--> nesting  (wanted, mode, held locks with modes)
 *              <------------------------held_by---   |
 *                                                    +--> dependency (thread, stamps, stacks), one a thread
 *
 * Model:     a set of (thread, wanted, mode, held locks with modes and what they were taken under, in the order in
 *            which they were taken).
 * Invariant: each nesting has at least one dependency and at least one live held lock, and one use of the edge
 *            held->wanted for each live held lock; dependencies_check().
 * Removal:   see lock_order.h.  What a dependency held stays on record in `held`, also the locks that are gone: they
 *            still were gates when it happened.
 * Threads:   no locking inside, except for the atomics of struct dependency.
 */
#ifndef LOCKHOUND_DETECTOR_DEPENDENCIES_H
#define LOCKHOUND_DETECTOR_DEPENDENCIES_H

#include <stdatomic.h>

#include "detector/lock_order.h"
#include "detector/topo_order.h"

struct lock_node {
    struct topo_node topo; /* first, so that an edge's end is a lock_node */
    struct object_ref object;
    struct nesting *wanted_by;
    struct nesting_held *held_by;
};

struct nesting_held {
    struct lock_node *node;
    struct nesting *nesting;
    struct nesting_held *next, *prev; /* of node->held_by */
    enum lock_mode mode;
    struct object_id taken_under[TAKEN_UNDER_MOST]; /* as in struct held_lock; also of locks that are gone */
};

struct nesting {
    uint64_t hash;
    struct lock_node *wanted;
    struct nesting *next, *prev;     /* of wanted->wanted_by */
    struct dependency *first, *last; /* oldest first */
    enum lock_mode mode;
    bool prefers_writers;
    uint32_t ended_count; /* dependencies of ended threads */
    size_t live_count;    /* held locks that still exist; they come first in held[] */
    size_t held_count;    /* as allocated */
    struct nesting_held held[];
};

struct dependency {
    struct dependency *next, *prev; /* of the nesting */
    struct nesting *nesting;
    struct order_thread *owner;
    struct dependency *next_of_thread, *prev_of_thread;
    struct clock_stamp first;        /* of its first occurrence */
    struct clock_stamp last;         /* of the latest one that was searched */
    _Atomic uint64_t latest_epoch;   /* written by the thread itself, without a rank */
    _Atomic uint64_t searched_epoch; /* that of `last` */
    atomic_bool recheck_wanted;      /* a cycle was dismissed because this dependency came first */
    bool thread_ended;
    int32_t signal_number;
    struct thread_id thread;
    struct stack_id at;
    struct held_lock *held; /* as it was then, outermost first */
    size_t held_count;
};

struct dependencies {
    const struct detector_host *host;
    struct topo_order order;
    struct hash_table nodes;    /* lock_node by object id */
    struct hash_table nestings; /* by content */
    struct hash_table threads;  /* order_thread by thread id */
    struct pool node_pool, dependency_pool, thread_pool;
    uint64_t count, max_count;
    uint64_t held_total, max_held_total; /* entries in all dependencies: what bounds the memory */
};

void dependencies_init(struct dependencies *store, const struct detector_host *host, uint64_t max_count);
void dependencies_release(struct dependencies *store);

/* Returns: the dependency that `request` repeats, or NULL. */
struct dependency *dependencies_find(const struct dependencies *store, const struct order_request *request);
/* Adds a dependency that is not in the store.  Returns: NULL, with nothing changed, when a budget or memory is spent.
 */
struct dependency *dependencies_add(struct dependencies *store, const struct order_request *request);
/* Returns: false when the lock was in no nesting. */
bool dependencies_remove_lock(struct dependencies *store, struct object_id lock);
/* What held a unit of the semaphore held nothing that counts. */
void dependencies_forget_units(struct dependencies *store, struct object_id semaphore);
void dependencies_thread_ended(struct dependencies *store, struct thread_id thread);
/* Returns: false when surely no cycle runs through the dependency. */
bool dependency_on_cycle(const struct dependency *dependency);
/* Returns: the hash of what the nesting is found by: wanted lock, mode, and the held locks that still exist. */
uint64_t nesting_hash(const struct nesting *nesting);
/* Returns: true when the invariants hold. */
bool dependencies_check(const struct dependencies *store);

#endif
