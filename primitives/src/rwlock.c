#include <lhp/rwlock.h>

#include "read_holds.h"
#include "self.h"
#include "timing.h"

_Thread_local struct read_holds lhp_read_holds;

void lhp_rwlock_init(struct lhp_rwlock *lock)
{
    pthread_rwlockattr_t attr;
    pthread_rwlockattr_init(&attr);
    /* The default lets a stream of readers keep a writer out for ever; PREFER_WRITER_NP alone changes nothing
     * (glibc, pthread_rwlockattr_setkind_np(3), BUGS). */
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&lock->lock, &attr);
    pthread_rwlockattr_destroy(&attr);
    lock->writer = NULL;
    struct read_hold *inherited = read_hold_find(lock); /* in a forked child */
    if (inherited)
        read_hold_remove(inherited);
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

/* Relaxed: only this thread can have stored its own identity. */
static bool rwlock_is_mine(struct lhp_rwlock *lock)
{
    return __atomic_load_n(&lock->writer, __ATOMIC_RELAXED) == self_token();
}

/* Returns: true when the answer is known without the lock underneath, and sets *status. */
static bool rwlock_shared_is_settled(struct lhp_rwlock *lock, enum lhp_status *status)
{
    struct read_hold *hold = read_hold_find(lock);
    if (hold)
        hold->level++;
    else if (!read_holds_full())
        return false;
    *status = hold ? LHP_OK : LHP_OVER_BOUND;
    return true;
}

static enum lhp_status rwlock_note_reader(struct lhp_rwlock *lock, int err)
{
    if (err != 0)
        return rwlock_status(err);
    read_hold_add(lock);
    return LHP_OK;
}

enum lhp_status lhp_rwlock_acquire_shared(struct lhp_rwlock *lock)
{
    enum lhp_status status;
    if (rwlock_shared_is_settled(lock, &status))
        return status;
    if (rwlock_is_mine(lock))
        return LHP_DEADLOCK;
    return rwlock_note_reader(lock, pthread_rwlock_rdlock(&lock->lock));
}

enum lhp_status lhp_rwlock_acquire_shared_for(struct lhp_rwlock *lock, int64_t timeout_ns)
{
    enum lhp_status status;
    if (rwlock_shared_is_settled(lock, &status))
        return status;
    if (timeout_ns != 0 && rwlock_is_mine(lock))
        return LHP_DEADLOCK;
    struct deadline d = deadline_after(timeout_ns);
    return rwlock_note_reader(lock, timing_rdlock_until(&lock->lock, &d));
}

enum lhp_status lhp_rwlock_try_acquire_shared(struct lhp_rwlock *lock)
{
    return lhp_rwlock_acquire_shared_for(lock, 0);
}

enum lhp_status lhp_rwlock_release_shared(struct lhp_rwlock *lock)
{
    struct read_hold *hold = read_hold_find(lock);
    if (!hold)
        return LHP_NOT_HELD;
    if (--hold->level > 0)
        return LHP_OK;
    read_hold_remove(hold);
    pthread_rwlock_unlock(&lock->lock);
    return LHP_OK;
}

static enum lhp_status rwlock_note_writer(struct lhp_rwlock *lock, int err)
{
    if (err != 0)
        return rwlock_status(err);
    __atomic_store_n(&lock->writer, self_token(), __ATOMIC_RELAXED);
    return LHP_OK;
}

enum lhp_status lhp_rwlock_acquire_exclusive(struct lhp_rwlock *lock)
{
    if (rwlock_is_mine(lock) || read_hold_find(lock))
        return LHP_DEADLOCK;
    return rwlock_note_writer(lock, pthread_rwlock_wrlock(&lock->lock));
}

enum lhp_status lhp_rwlock_acquire_exclusive_for(struct lhp_rwlock *lock, int64_t timeout_ns)
{
    if (timeout_ns != 0 && (rwlock_is_mine(lock) || read_hold_find(lock)))
        return LHP_DEADLOCK;
    struct deadline d = deadline_after(timeout_ns);
    return rwlock_note_writer(lock, timing_wrlock_until(&lock->lock, &d));
}

enum lhp_status lhp_rwlock_try_acquire_exclusive(struct lhp_rwlock *lock)
{
    return lhp_rwlock_acquire_exclusive_for(lock, 0);
}

enum lhp_status lhp_rwlock_release_exclusive(struct lhp_rwlock *lock)
{
    if (!rwlock_is_mine(lock))
        return LHP_NOT_OWNER;
    __atomic_store_n(&lock->writer, NULL, __ATOMIC_RELAXED);
    pthread_rwlock_unlock(&lock->lock);
    return LHP_OK;
}
