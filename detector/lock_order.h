/* lock_order.h: the order in which locks were taken; finds each cycle when its closing edge appears.
 *
 *   request --> [dependency: thread, wanted, held set, stamp, stacks] --edge held->wanted--> [order graph]
 *                                                                                               |
 *      finding <-- [exact search: distinct threads, no gate, unordered, modes conflict] <--cycle?--+
 *
 * Model:     nodes are lock generations; an edge a->b stands for the dependencies that wanted b while holding a.
 * Valid cycle: dependencies d1..dn with wanted(di) in held(di+1), wanted(dn) in held(d1); n >= 2; distinct threads;
 *            no lock held by two of them (a gate; a gate held shared by both does not count); stamps pairwise
 *            unordered in hand-over order; and on each link the modes conflict (shared against shared does only when
 *            the rwlock prefers writers).
 * Repeats:   a dependency seen again only notes that it happened again, unless a cycle through it was once dismissed
 *            as ordered: then the new stamp is tried, for this occurrence may be the unordered one.
 * Threads:   no locking inside; the caller holds RANK_ORDER_GRAPH, except for dependency_recheck_wanted().
 * Memory:    from the host; O(dependencies), bounded by a budget; past it evidence is counted as lost.
 * Source:    Bensalem & Havelund 2005 (gate locks, segments); Joshi et al. 2009 (dependency tuples);
 *            Pearce & Kelly 2006 (incremental topological order).
 */
#ifndef LOCKHOUND_DETECTOR_LOCK_ORDER_H
#define LOCKHOUND_DETECTOR_LOCK_ORDER_H

#include "detector/clocks.h"
#include "detector/finding.h"

struct lock_order;
struct dependency;

struct order_request {
    struct thread_id thread;
    struct clock_stamp stamp; /* in hand-over order (create, join, signal, post, barrier), not mutual exclusion */
    struct object_ref wanted;
    enum lock_mode mode;
    bool prefers_writers;     /* of `wanted` */
    struct stack_id at;
    int32_t signal_number;
    const struct held_lock *held; /* outermost first; never contains `wanted` */
    size_t held_count;        /* >= 1 */
};

struct lock_order_counts {
    uint64_t nodes, edges, dependencies, cycles_reported, cycles_filtered, lost;
};

/* Called for each valid cycle, once per set of (wanted, held) acquisition stacks.  Borrowed pointers. */
typedef void lock_order_report(void *ctx, const struct finding *finding);

struct lock_order *lock_order_new(const struct detector_host *host, size_t max_dependencies);
void lock_order_delete(struct lock_order *order);

/* Records that `request` happened, and reports the cycles it closes.
 * Returns: the dependency it was merged into, valid until the lock_order is deleted or one of its locks is removed, or
 * NULL when the budget is spent. */
struct dependency *lock_order_request(struct lock_order *order, const struct order_request *request,
                                      lock_order_report *report, void *ctx);
/* The same dependency, by the same thread, in a later segment.  Cheap; searches only when a recheck is wanted. */
void lock_order_repeat(struct lock_order *order, struct dependency *dependency, const struct clock_stamp *stamp,
                       lock_order_report *report, void *ctx);
/* Takes no rank: a relaxed load.  Returns: true when lock_order_repeat() should be called for a new segment. */
bool dependency_recheck_wanted(const struct dependency *dependency);
/* The lock generation is gone: its node, edges and dependencies are too. */
void lock_order_remove(struct lock_order *order, struct object_id lock);
/* Returns: a number that grows with each removal; dependencies kept elsewhere under an older one must be let go. */
uint32_t lock_order_removals(const struct lock_order *order);
void lock_order_get_counts(const struct lock_order *order, struct lock_order_counts *counts);
/* Returns: true when the incremental order, the graph and the counts agree with one another (for tests). */
bool lock_order_check(const struct lock_order *order);
/* Calls `visit` for each edge; for `--dot` and the report's picture. */
void lock_order_visit_edges(const struct lock_order *order,
                            void (*visit)(void *ctx, const struct object_ref *from, const struct object_ref *to), void *ctx);

#endif
