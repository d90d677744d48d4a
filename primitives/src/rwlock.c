#include <lhp/rwlock.h>

#include "self.h"
#include "timing.h"

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
    case EDEADLK:
        return LHP_DEADLOCK;
    case EAGAIN:
        return LHP_OVER_BOUND;
    default:
        return LHP_TIMEOUT;
    }
}

enum lhp_status lhp_rwlock_acquire_shared(struct lhp_rwlock *lock)
{
    return rwlock_status(pthread_rwlock_rdlock(&lock->lock));
}

enum lhp_status lhp_rwlock_try_acquire_shared(struct lhp_rwlock *lock)
{
    return rwlock_status(pthread_rwlock_tryrdlock(&lock->lock));
}

enum lhp_status lhp_rwlock_acquire_shared_for(struct lhp_rwlock *lock, int64_t timeout_ns)
{
    struct deadline d = deadline_after(timeout_ns);
    return rwlock_status(timing_rdlock_until(&lock->lock, &d));
}

/* Returns: true when there are readers inside.  glibc counts them in one word, those that wait included, beside a bit that
 * says whose turn it is (nptl/pthread_rwlock_common.c); a count of our own would cost each reader two atomic additions. */
static bool rwlock_has_readers(const struct lhp_rwlock *lock)
{
    enum { WRITERS_TURN = 1, READERS_FROM = 3 };
    /* Relaxed: the caller's own hold, if it has one, is in it. */
    unsigned word = __atomic_load_n(&lock->lock.__data.__readers, __ATOMIC_RELAXED);
    return (word & WRITERS_TURN) == 0 && word >> READERS_FROM != 0;
}

enum lhp_status lhp_rwlock_release_shared(struct lhp_rwlock *lock)
{
    if (!rwlock_has_readers(lock))
        return LHP_NOT_HELD;
    pthread_rwlock_unlock(&lock->lock);
    return LHP_OK;
}

static enum lhp_status rwlock_note_writer(struct lhp_rwlock *lock, int err)
{
    if (err == 0)
        __atomic_store_n(&lock->writer, self_token(), __ATOMIC_RELAXED);
    return rwlock_status(err);
}

enum lhp_status lhp_rwlock_acquire_exclusive(struct lhp_rwlock *lock)
{
    return rwlock_note_writer(lock, pthread_rwlock_wrlock(&lock->lock));
}

enum lhp_status lhp_rwlock_try_acquire_exclusive(struct lhp_rwlock *lock)
{
    return rwlock_note_writer(lock, pthread_rwlock_trywrlock(&lock->lock));
}

enum lhp_status lhp_rwlock_acquire_exclusive_for(struct lhp_rwlock *lock, int64_t timeout_ns)
{
    struct deadline d = deadline_after(timeout_ns);
    return rwlock_note_writer(lock, timing_wrlock_until(&lock->lock, &d));
}

enum lhp_status lhp_rwlock_release_exclusive(struct lhp_rwlock *lock)
{
    /* Relaxed: only this thread can have stored its own identity. */
    if (__atomic_load_n(&lock->writer, __ATOMIC_RELAXED) != self_token())
        return LHP_NOT_OWNER;
    __atomic_store_n(&lock->writer, NULL, __ATOMIC_RELAXED);
    pthread_rwlock_unlock(&lock->lock);
    return LHP_OK;
}
