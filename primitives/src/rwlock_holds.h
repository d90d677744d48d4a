/* rwlock_holds.h: which RWLocks the calling thread holds, how, and how often.
 *
 *   acquire --rwlock_hold_find()--> there already: one more level of a reader, or a deadlock   (the lock is not asked)
 *                                   new: the lock underneath, then rwlock_hold_add()
 *   release --rwlock_hold_find()--> the last level: rwlock_hold_remove(), then the lock underneath
 *
 * Invariant: a thread's list has each lock at most once, with a level above 0; the lock underneath is held once for it.
 * Context:   the calling thread's own memory, without allocation; not for signal handlers.
 */
#ifndef LHP_SRC_RWLOCK_HOLDS_H
#define LHP_SRC_RWLOCK_HOLDS_H

#include <stddef.h>

#include <lhp/rwlock.h>

struct rwlock_hold {
    const struct lhp_rwlock *lock;
    unsigned level;
    bool exclusive;
};

struct rwlock_holds {
    unsigned count;
    struct rwlock_hold holds[LHP_RWLOCK_HELD_MOST]; /* the latest last */
};

extern _Thread_local struct rwlock_holds lhp_rwlock_holds
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Returns: the caller's hold of `lock`, or NULL. */
static inline struct rwlock_hold *rwlock_hold_find(const struct lhp_rwlock *lock)
{
    struct rwlock_holds *all = &lhp_rwlock_holds;
    for (unsigned i = all->count; i > 0; i--)
        if (all->holds[i - 1].lock == lock)
            return &all->holds[i - 1];
    return NULL;
}

static inline bool rwlock_holds_full(void)
{
    return lhp_rwlock_holds.count == LHP_RWLOCK_HELD_MOST;
}

/* There must be room. */
static inline void rwlock_hold_add(const struct lhp_rwlock *lock, bool exclusive)
{
    struct rwlock_hold *hold = &lhp_rwlock_holds.holds[lhp_rwlock_holds.count++];
    hold->lock = lock;
    hold->level = 1;
    hold->exclusive = exclusive;
}

static inline void rwlock_hold_remove(struct rwlock_hold *hold)
{
    struct rwlock_hold *last = &lhp_rwlock_holds.holds[--lhp_rwlock_holds.count];
    if (hold != last) /* the usual order is that of a stack; reading a record as one right after its parts is slow */
        *hold = *last;
}

#endif
