/* read_holds.h: which RWLocks the calling thread holds shared, and how often each.
 *
 *   acquire_shared --read_hold_find()--> there already: one more level       (the lock underneath is not asked)
 *                                        new: the lock underneath, then read_hold_add()
 *   release_shared --read_hold_find()--> the last level: read_hold_remove(), then the lock underneath
 *
 * Invariant: a thread's list has each lock at most once, with a level above 0; the lock underneath is held once for it.
 * Context:   the calling thread's own memory, without allocation; not for signal handlers.
 */
#ifndef LHP_SRC_READ_HOLDS_H
#define LHP_SRC_READ_HOLDS_H

#include <stddef.h>

#include <lhp/rwlock.h>

struct read_hold {
    const struct lhp_rwlock *lock;
    unsigned level;
};

struct read_holds {
    unsigned count;
    struct read_hold holds[LHP_RWLOCK_SHARED_MOST]; /* the latest last */
};

extern _Thread_local struct read_holds lhp_read_holds __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Returns: the caller's hold of `lock`, or NULL. */
static inline struct read_hold *read_hold_find(const struct lhp_rwlock *lock)
{
    struct read_holds *all = &lhp_read_holds;
    for (unsigned i = all->count; i > 0; i--)
        if (all->holds[i - 1].lock == lock)
            return &all->holds[i - 1];
    return NULL;
}

static inline bool read_holds_full(void)
{
    return lhp_read_holds.count == LHP_RWLOCK_SHARED_MOST;
}

/* There must be room. */
static inline void read_hold_add(const struct lhp_rwlock *lock)
{
    struct read_hold *hold = &lhp_read_holds.holds[lhp_read_holds.count++];
    hold->lock = lock;
    hold->level = 1;
}

static inline void read_hold_remove(struct read_hold *hold)
{
    struct read_hold *last = &lhp_read_holds.holds[--lhp_read_holds.count];
    if (hold != last) /* the usual order is that of a stack; reading a pair as one right after its halves is slow */
        *hold = *last;
}

#endif
