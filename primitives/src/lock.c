#include <lhp/lock.h>

#include "timing.h"

void lhp_lock_init(struct lhp_lock *lock)
{
    sem_init(&lock->free, 0, 1);
}

void lhp_lock_destroy(struct lhp_lock *lock)
{
    sem_destroy(&lock->free);
}

void lhp_lock_acquire(struct lhp_lock *lock)
{
    pthread_cleanup_push(timing_sem_pass_on, &lock->free);
    while (sem_wait(&lock->free) != 0) /* EINTR */
        ;
    pthread_cleanup_pop(0);
}

enum lhp_status lhp_lock_try_acquire(struct lhp_lock *lock)
{
    return lhp_lock_acquire_for(lock, 0);
}

enum lhp_status lhp_lock_acquire_for(struct lhp_lock *lock, int64_t timeout_ns)
{
    struct deadline d = deadline_after(timeout_ns);
    int err;
    pthread_cleanup_push(timing_sem_pass_on, &lock->free);
    err = timing_sem_wait_until(&lock->free, &d);
    pthread_cleanup_pop(0);
    return err == 0 ? LHP_OK : LHP_TIMEOUT;
}

bool lhp_lock_locked(struct lhp_lock *lock)
{
    int value = 0;
    sem_getvalue(&lock->free, &value);
    return value <= 0;
}

/* A test and a post, not one step: what an exchange on a word of our own would add for two releases that race, one of
 * which is an error, costs every correct one a third atomic operation. */
enum lhp_status lhp_lock_release(struct lhp_lock *lock)
{
    if (!lhp_lock_locked(lock))
        return LHP_NOT_HELD;
    NOTE_BEFORE(&lock->free);
    sem_post(&lock->free);
    return LHP_OK;
}

void lhp_lock_at_fork_reinit(struct lhp_lock *lock)
{
    lhp_lock_init(lock);
}
