#include <lhp/rlock.h>

#include "self.h"
#include "timing.h"

_Thread_local char lhp_self_token;

void lhp_rlock_init(struct lhp_rlock *lock)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&lock->mutex, &attr);
    pthread_mutexattr_destroy(&attr);
    lock->owner = NULL;
    lock->level = 0;
}

void lhp_rlock_destroy(struct lhp_rlock *lock)
{
    pthread_mutex_destroy(&lock->mutex);
}

static void rlock_note_acquired(struct lhp_rlock *lock)
{
    if (lock->level++ == 0)
        __atomic_store_n(&lock->owner, self_token(), __ATOMIC_RELAXED);
}

void lhp_rlock_acquire(struct lhp_rlock *lock)
{
    pthread_mutex_lock(&lock->mutex);
    rlock_note_acquired(lock);
}

enum lhp_status lhp_rlock_try_acquire(struct lhp_rlock *lock)
{
    return lhp_rlock_acquire_for(lock, 0);
}

enum lhp_status lhp_rlock_acquire_for(struct lhp_rlock *lock, int64_t timeout_ns)
{
    struct deadline d = deadline_after(timeout_ns);
    if (timing_mutex_lock_until(&lock->mutex, &d) != 0)
        return LHP_TIMEOUT;
    rlock_note_acquired(lock);
    return LHP_OK;
}

enum lhp_status lhp_rlock_release(struct lhp_rlock *lock)
{
    /* Relaxed: only this thread can have stored its own identity. */
    if (__atomic_load_n(&lock->owner, __ATOMIC_RELAXED) != self_token())
        return LHP_NOT_OWNER;
    if (--lock->level == 0)
        __atomic_store_n(&lock->owner, NULL, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&lock->mutex);
    return LHP_OK;
}

unsigned lhp_rlock_level(struct lhp_rlock *lock)
{
    /* Asking the mutex instead of reading `owner` keeps the question free of races in any tool's eyes. */
    if (pthread_mutex_trylock(&lock->mutex) != 0)
        return 0;
    unsigned level = lock->level;
    pthread_mutex_unlock(&lock->mutex);
    return level;
}

bool lhp_rlock_owned(struct lhp_rlock *lock)
{
    return lhp_rlock_level(lock) > 0;
}

void lhp_rlock_at_fork_reinit(struct lhp_rlock *lock)
{
    lhp_rlock_init(lock);
}
