/* contention.h: how long locks are waited for and held, by call site; with contention=yes only, for it reads the clock.
 *
 *   emit_lock_request --> contention_requested   forgets an earlier wait
 *   emit_block        --> contention_blocked     the wait begins
 *   emit_unblock      --> contention_unblocked   ... and ends
 *   emit_lock_acquired -> contention_acquired    counted at (lock, call site, mode); the hold begins
 *   emit_lock_released -> contention_released    the hold ends, and counts where it began
 *                                |
 *                                +--> contention_each_lock --> record.c, when the process ends
 *
 * Model:     a wait on a condition ends the hold of its mutex, and waking is another acquisition at that place.  A level
 *            of a recursion is part of the outer hold.  What is held at the end is not counted as held.
 * Precision: times in powers of two; a percentile is the upper end of its bucket.
 * Threads:   counters are relaxed atomics; what is inserted is never taken out.  Insertion takes OWN_RANK_CONTENTION.
 * Memory:    from the arena; past CONTENTION_SITES_MAX sites nothing new is counted, and that is said.
 */
#ifndef LOCKHOUND_PRELOAD_CONTENTION_H
#define LOCKHOUND_PRELOAD_CONTENTION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "detector/detector.h"
#include "preload/run_file.h"

enum { CONTENTION_SITES_MAX = 1 << 16 };

struct contention_times {
    _Atomic uint64_t total_ns, max_ns;
    _Atomic uint32_t below[CONTENTION_BUCKETS]; /* below[b]: times under 2^b ns and not under 2^(b-1) */
};

struct contention_site {
    _Atomic(struct contention_site *) next;
    struct stack_id at;
    enum lock_mode mode;
    _Atomic uint64_t acquisitions, contended;
    struct contention_times wait, hold;
};

struct contention_lock {
    _Atomic(struct contention_lock *) next; /* in its bucket */
    struct object_ref object;
    _Atomic(struct contention_site *) sites;
};

struct self;
struct object;

/* acquire: partner: insert_site() in contention.c */
static inline struct contention_site *contention_first_site(const struct contention_lock *lock)
{
    return atomic_load_explicit(&lock->sites, memory_order_acquire);
}
static inline struct contention_site *contention_next_site(const struct contention_site *site)
{
    return atomic_load_explicit(&site->next, memory_order_acquire);
}

/* Context of all: signal, in-malloc, takes(OWN_RANK_CONTENTION). */
void contention_requested(struct self *self);
void contention_blocked(struct self *self, const struct object *object);
void contention_unblocked(struct self *self);
void contention_acquired(struct self *self, const struct object *object, enum lock_mode mode, struct stack_id at);
void contention_released(struct self *self, const struct object *object);
void contention_forget_thread(struct self *self);

/* Calls `visit` for the `most` locks that were waited for longest.  Context: late, takes(OWN_RANK_ARENA). */
void contention_each_lock(unsigned most, void (*visit)(void *ctx, struct contention_lock *lock), void *ctx);
/* Returns: true when there was no room to count everything.  Context: signal. */
bool contention_was_cut(void);
/* What the parent did is the parent's.  Context: fork-child. */
void contention_fork_child(void);

#endif
