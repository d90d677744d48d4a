/* lock_order.h: the order in which locks were taken; finds each cycle when its closing edge appears.
 *
 *   request --> [dependency: thread, wanted, held set, stamp, stacks] --edge held->wanted--> [order graph]
 *                                                                                               |
 *      finding <-- [exact search: distinct threads, no gate, unordered, modes conflict] <--cycle?--+
 *
 * Model:     nodes are lock generations; an edge a->b stands for the dependencies that wanted b while holding a.
 * Valid cycle: dependencies d1..dn with wanted(di) in held(di+1), wanted(dn) in held(d1); n >= 2; distinct threads
 *            and distinct wanted locks; no lock held by two of them (a gate; one held shared by both does not
 *            count), no counting semaphore held by more of them than it has units; stamps pairwise unordered in
 *            hand-over order; on each link the modes conflict (shared against shared does only when the rwlock
 *            prefers writers); the locks that close the circle can have been taken in some order: what was taken
 *            under another of them, released since, came before that one's taking; and none is a semaphore that was
 *            taken under what its holder wants (a light switch: readers and writers).  Of those that one dependency
 *            closes the shortest are reported, and longer ones when the shorter are no news.
 * Evidence:  of a dependency the first stamp, the latest epoch (a word its own thread writes, without a rank) and the
 *            latest stamp that was searched are kept.  A new occurrence is unordered with an earlier dependency
 *            exactly when that one's latest epoch has not been seen: cycles of two are exact.  A longer cycle is
 *            reported when some choice of a kept stamp for each earlier member is pairwise unordered: never wrongly,
 *            but perhaps one occurrence late.
 * Repeats:   a dependency seen again only notes its epoch, unless a cycle through it was once dismissed because it
 *            came first in order: then the new stamp is searched, for this occurrence may be the unordered one.
 * Removal:   a lock that is gone takes its node, edges and the dependencies that wanted it along; dependencies that
 *            only held it stay as evidence for their other locks.  Of ended threads the four latest dependencies of
 *            each nesting (wanted lock and held locks) are kept.
 * Threads:   no locking inside; the caller holds RANK_ORDER_GRAPH, except for dependency_repeated() and
 *            lock_order_removals().
 * Memory:    from the host; O(dependencies x held locks), bounded by a budget; past it evidence is counted as lost.
 *            So is a search that took too many steps.
 * Source:    Bensalem & Havelund 2005 (gate locks, segments); Joshi et al. 2009 (dependency tuples);
 *            Pearce & Kelly 2006 (incremental topological order).
 * Tests:     tests/unit/test_lock_order.c, test_lock_gates.c rule by rule; test_lock_order_random.c against a naive enumeration.
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
    bool prefers_writers; /* of `wanted` */
    struct stack_id at;
    int32_t signal_number;
    const struct held_lock *held; /* outermost first; never contains `wanted` */
    size_t held_count;            /* >= 1 */
};

struct lock_order_counts {
    uint64_t nodes, edges, dependencies; /* now */
    uint64_t cycles_reported;            /* distinct ones */
    uint64_t cycles_repeated;            /* the same code places again, perhaps over other locks */
    uint64_t cycles_filtered;            /* new dependencies that closed cycles of which none was valid */
    uint64_t lost_dependencies;          /* not kept: budget or memory spent */
    uint64_t lost_searches;              /* cut short after too many steps */
};

/* Called for each valid cycle, once per set of (wanted, held) acquisition stacks.  Borrowed pointers. */
typedef void lock_order_report(void *ctx, const struct finding *finding);

struct lock_order *lock_order_new(const struct detector_host *host, size_t max_dependencies);
void lock_order_delete(struct lock_order *order);

/* Records that `request` happened, and reports the cycles it closes.
 * Returns: the dependency it was merged into, or NULL when the budget is spent.  A thread may keep it for its later
 * occurrences of the same nesting as long as lock_order_removals() stays the same and the thread has not ended. */
struct dependency *lock_order_request(struct lock_order *order, const struct order_request *request,
                                      lock_order_report *report, void *ctx);
/* Notes that the calling thread, whose hand-over clock stands at `epoch`, does the same again.  Call it at least for the
 * first occurrence in each epoch: later ones in the same epoch are only more ordered than it.
 * Returns: true when lock_order_repeat() should be called, at most once an epoch.
 * Context: takes no rank; loads, and at most one store an epoch, to memory that only this thread writes often. */
bool dependency_repeated(struct dependency *dependency, uint64_t epoch);
/* Searches again with the stamp of a new occurrence, after dependency_repeated() asked for it. */
void lock_order_repeat(struct lock_order *order, struct dependency *dependency, const struct clock_stamp *stamp,
                       lock_order_report *report, void *ctx);
/* The lock generation is gone.  Costs one look-up when it was never part of a nesting. */
void lock_order_remove(struct lock_order *order, struct object_id lock);
/* The same of a semaphore that turned out not to limit how many threads are in: it never kept any apart. */
void lock_order_remove_units(struct lock_order *order, struct object_id semaphore);
/* The thread takes no more locks.  Its dependencies remain evidence, but their number is bounded from now on. */
void lock_order_thread_ended(struct lock_order *order, struct thread_id thread);
/* Returns: a number that grows with each removal; dependencies kept elsewhere under an older one must be let
 * go.  Context: takes no rank. */
uint32_t lock_order_removals(const struct lock_order *order);
void lock_order_get_counts(const struct lock_order *order, struct lock_order_counts *counts);
/* Returns: true when the incremental order, the graph and the counts agree with one another (for tests). */
bool lock_order_check(const struct lock_order *order);

#endif
