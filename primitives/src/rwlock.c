#include <lhp/rwlock.h>

#include "rwlock_holds.h"
#include "timing.h"

_Thread_local struct rwlock_holds lhp_rwlock_holds;

void lhp_rwlock_init(struct lhp_rwlock *lock)
{
    pthread_rwlockattr_t attr;
    pthread_rwlockattr_init(&attr);
    /* The default lets a stream of readers keep a writer out for ever; PREFER_WRITER_NP alone changes nothing
     * (glibc, pthread_rwlockattr_setkind_np(3), BUGS). */
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&lock->lock, &attr);
    pthread_rwlockattr_destroy(&attr);
    struct rwlock_hold *inherited = rwlock_hold_find(lock); /* in a forked child */
    if (inherited)
        rwlock_hold_remove(inherited);
}

void lhp_rwlock_destroy(struct lhp_rwlock *lock)
{
    pthread_rwlock_destroy(&lock->lock);
}

static enum lhp_status rwlock_status(int err)
{
    switch (err) {
    case 0:
        return LHP_OK;
    case EAGAIN:
        return LHP_OVER_BOUND;
    default:
        return LHP_TIMEOUT;
    }
}

static enum lhp_status rwlock_note_held(struct lhp_rwlock *lock, bool exclusive, int err)
{
    if (err != 0)
        return rwlock_status(err);
    rwlock_hold_add(lock, exclusive);
    return LHP_OK;
}

/* ---- readers ---------------------------------------------------------------------------------------------------- */

/* Returns: true when the answer is known without the lock underneath, and sets *status.  A `try` by the writer is left to
 * the lock: it fails as any other. */
static bool rwlock_shared_is_settled(struct lhp_rwlock *lock, bool is_try, enum lhp_status *status)
{
    struct rwlock_hold *hold = rwlock_hold_find(lock);
    if (!hold) {
        *status = LHP_OVER_BOUND;
        return rwlock_holds_full();
    }
    *status = LHP_DEADLOCK;
    if (hold->exclusive)
        return !is_try;
    hold->level++;
    *status = LHP_OK;
    return true;
}

enum lhp_status lhp_rwlock_acquire_shared(struct lhp_rwlock *lock)
{
    enum lhp_status status;
    if (rwlock_shared_is_settled(lock, false, &status))
        return status;
    return rwlock_note_held(lock, false, pthread_rwlock_rdlock(&lock->lock));
}

enum lhp_status lhp_rwlock_acquire_shared_for(struct lhp_rwlock *lock, int64_t timeout_ns)
{
    enum lhp_status status;
    if (rwlock_shared_is_settled(lock, timeout_ns == 0, &status))
        return status;
    struct deadline d = deadline_after(timeout_ns);
    return rwlock_note_held(lock, false, timing_rdlock_until(&lock->lock, &d));
}

enum lhp_status lhp_rwlock_try_acquire_shared(struct lhp_rwlock *lock)
{
    return lhp_rwlock_acquire_shared_for(lock, 0);
}

enum lhp_status lhp_rwlock_release_shared(struct lhp_rwlock *lock)
{
    struct rwlock_hold *hold = rwlock_hold_find(lock);
    if (!hold || hold->exclusive)
        return LHP_NOT_HELD;
    if (--hold->level > 0)
        return LHP_OK;
    rwlock_hold_remove(hold);
    pthread_rwlock_unlock(&lock->lock);
    return LHP_OK;
}

/* ---- writers ---------------------------------------------------------------------------------------------------- */

enum lhp_status lhp_rwlock_acquire_exclusive(struct lhp_rwlock *lock)
{
    if (rwlock_hold_find(lock))
        return LHP_DEADLOCK;
    if (rwlock_holds_full())
        return LHP_OVER_BOUND;
    return rwlock_note_held(lock, true, pthread_rwlock_wrlock(&lock->lock));
}

enum lhp_status lhp_rwlock_acquire_exclusive_for(struct lhp_rwlock *lock, int64_t timeout_ns)
{
    if (timeout_ns != 0 && rwlock_hold_find(lock))
        return LHP_DEADLOCK;
    if (rwlock_holds_full())
        return LHP_OVER_BOUND;
    struct deadline d = deadline_after(timeout_ns);
    return rwlock_note_held(lock, true, timing_wrlock_until(&lock->lock, &d));
}

enum lhp_status lhp_rwlock_try_acquire_exclusive(struct lhp_rwlock *lock)
{
    return lhp_rwlock_acquire_exclusive_for(lock, 0);
}

enum lhp_status lhp_rwlock_release_exclusive(struct lhp_rwlock *lock)
{
    struct rwlock_hold *hold = rwlock_hold_find(lock);
    if (!hold || !hold->exclusive)
        return LHP_NOT_OWNER;
    rwlock_hold_remove(hold);
    pthread_rwlock_unlock(&lock->lock);
    return LHP_OK;
}
