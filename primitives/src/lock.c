#include <lhp/lock.h>

#include "timing.h"

void lhp_lock_init(struct lhp_lock *lock)
{
    sem_init(&lock->free, 0, 1);
    lock->held = 0;
}

void lhp_lock_destroy(struct lhp_lock *lock)
{
    sem_destroy(&lock->free);
}

/* Relaxed: only lhp_lock_release() reads it, and the semaphore orders the two. */
static void lock_note_held(struct lhp_lock *lock)
{
    __atomic_store_n(&lock->held, 1, __ATOMIC_RELAXED);
}

void lhp_lock_acquire(struct lhp_lock *lock)
{
    while (sem_wait(&lock->free) != 0) /* EINTR */
        ;
    lock_note_held(lock);
}

enum lhp_status lhp_lock_try_acquire(struct lhp_lock *lock)
{
    return lhp_lock_acquire_for(lock, 0);
}

enum lhp_status lhp_lock_acquire_for(struct lhp_lock *lock, int64_t timeout_ns)
{
    struct deadline d = deadline_after(timeout_ns);
    if (timing_sem_wait_until(&lock->free, &d) != 0)
        return LHP_TIMEOUT;
    lock_note_held(lock);
    return LHP_OK;
}

enum lhp_status lhp_lock_release(struct lhp_lock *lock)
{
    /* An exchange and not a test, so that of two racing releases exactly one is the error. */
    if (!__atomic_exchange_n(&lock->held, 0, __ATOMIC_RELAXED))
        return LHP_NOT_HELD;
    NOTE_BEFORE(&lock->free);
    sem_post(&lock->free);
    return LHP_OK;
}

bool lhp_lock_locked(struct lhp_lock *lock)
{
    int value = 0;
    sem_getvalue(&lock->free, &value);
    return value <= 0;
}

void lhp_lock_at_fork_reinit(struct lhp_lock *lock)
{
    lhp_lock_init(lock);
}
