#include <lhp/shared.h>

#include <limits.h>

#include "shared_monitor.h"

enum { FOR_THE_LOCK, FOR_A_PERMIT };

void lhp_shared_lock_init(struct lhp_shared_lock *lock)
{
    lhp_monitor_init(&lock->monitor);
    lock->held = 0;
}

void lhp_shared_lock_destroy(struct lhp_shared_lock *lock)
{
    lhp_monitor_destroy(&lock->monitor);
}

static bool holder_is_dead(const struct lhp_shared_lock *lock)
{
    return lock->held && !lhp_identity_is_self(&lock->holder) && !lhp_identity_alive(&lock->holder);
}

enum lhp_status lhp_shared_lock_acquire(struct lhp_shared_lock *lock)
{
    return lhp_shared_lock_acquire_for(lock, LHP_FOREVER);
}

enum lhp_status lhp_shared_lock_acquire_for(struct lhp_shared_lock *lock, int64_t timeout_ns)
{
    struct deadline d = deadline_after(timeout_ns);
    enum lhp_status status = LHP_OK;
    lhp_monitor_enter(&lock->monitor);
    while (lock->held) {
        if (holder_is_dead(lock)) {
            status = LHP_OWNER_DIED;
            break;
        }
        if (deadline_left_ns(&d) == 0) {
            status = LHP_TIMEOUT;
            break;
        }
        lhp_monitor_sleep(&lock->monitor, FOR_THE_LOCK, &d);
    }
    if (status != LHP_TIMEOUT) {
        lock->holder = lhp_identity_self(); /* before `held`: a held lock always has a holder to look for */
        lock->held = 1;
    }
    lhp_monitor_leave(&lock->monitor);
    return status;
}

enum lhp_status lhp_shared_lock_release(struct lhp_shared_lock *lock)
{
    lhp_monitor_enter(&lock->monitor);
    bool held = lock->held;
    lock->held = 0;
    if (held)
        lhp_monitor_wake(&lock->monitor, FOR_THE_LOCK, 1);
    lhp_monitor_leave(&lock->monitor);
    return held ? LHP_OK : LHP_NOT_HELD;
}

bool lhp_shared_lock_locked(struct lhp_shared_lock *lock)
{
    lhp_monitor_enter(&lock->monitor);
    bool held = lock->held;
    lhp_monitor_leave(&lock->monitor);
    return held;
}

/* ---- RLock ------------------------------------------------------------------------------------------------------ */

void lhp_shared_rlock_init(struct lhp_shared_rlock *lock)
{
    lhp_robust_mutex_init(&lock->mutex, true);
    lock->owner = 0;
    lock->level = 0;
}

void lhp_shared_rlock_destroy(struct lhp_shared_rlock *lock)
{
    pthread_mutex_destroy(&lock->mutex);
}

enum lhp_status lhp_shared_rlock_acquire(struct lhp_shared_rlock *lock)
{
    return lhp_shared_rlock_acquire_for(lock, LHP_FOREVER);
}

/* In slices, for the reason given at lhp_monitor_enter(). */
static int rlock_lock_until(struct lhp_shared_rlock *lock, const struct deadline *d)
{
    int err = pthread_mutex_trylock(&lock->mutex);
    for (int64_t left; (err == EBUSY || err == ETIMEDOUT) && (left = deadline_left_ns(d)) != 0;) {
        struct deadline look = deadline_after(left < 0 || left > LHP_SHARED_CHECK_NS ? LHP_SHARED_CHECK_NS : left);
        err = timing_mutex_lock_until(&lock->mutex, &look);
    }
    return err;
}

enum lhp_status lhp_shared_rlock_acquire_for(struct lhp_shared_rlock *lock, int64_t timeout_ns)
{
    struct deadline d = deadline_after(timeout_ns);
    int err = rlock_lock_until(lock, &d);
    if (err != 0 && err != EOWNERDEAD)
        return LHP_TIMEOUT;
    if (err == EOWNERDEAD) {
        pthread_mutex_consistent(&lock->mutex);
        lock->level = 0;
    }
    if (lock->level++ == 0)
        __atomic_store_n(&lock->owner, lhp_thread_id(), __ATOMIC_RELAXED);
    return err == EOWNERDEAD ? LHP_OWNER_DIED : LHP_OK;
}

enum lhp_status lhp_shared_rlock_release(struct lhp_shared_rlock *lock)
{
    /* Relaxed: only this thread stores its own number, and a dead thread's number is not this one's. */
    if (__atomic_load_n(&lock->owner, __ATOMIC_RELAXED) != lhp_thread_id())
        return LHP_NOT_OWNER;
    if (--lock->level == 0)
        __atomic_store_n(&lock->owner, 0, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&lock->mutex);
    return LHP_OK;
}

/* ---- Semaphore and BoundedSemaphore ----------------------------------------------------------------------------- */

void lhp_shared_semaphore_init(struct lhp_shared_semaphore *semaphore, unsigned permits, bool bounded)
{
    lhp_monitor_init(&semaphore->monitor);
    semaphore->value = semaphore->bound = permits;
    semaphore->bounded = bounded;
    for (unsigned i = 0; i < LHP_SHARED_WAITERS; i++)
        semaphore->holds[i] = (struct lhp_shared_hold){.permits = 0};
}

void lhp_shared_semaphore_destroy(struct lhp_shared_semaphore *semaphore)
{
    lhp_monitor_destroy(&semaphore->monitor);
}

/* Takes the permits of dead processes back.  Returns: whether there were any. */
static bool semaphore_inherit(struct lhp_shared_semaphore *s)
{
    bool any = false;
    for (unsigned i = 0; s->bounded && i < LHP_SHARED_WAITERS; i++) {
        struct lhp_shared_hold *hold = &s->holds[i];
        if (hold->permits == 0 || lhp_identity_is_self(&hold->who) || lhp_identity_alive(&hold->who))
            continue;
        unsigned permits = hold->permits;
        hold->permits = 0; /* first: dying here loses permits, the other way round would double them */
        s->value += permits;
        any = true;
    }
    return any;
}

/* A process that finds no line to write its permits on holds them without a name: they are not inherited. */
static void semaphore_note_hold(struct lhp_shared_semaphore *s)
{
    struct lhp_shared_hold *unused = NULL;
    for (unsigned i = 0; s->bounded && i < LHP_SHARED_WAITERS; i++) {
        struct lhp_shared_hold *hold = &s->holds[i];
        if (hold->permits > 0 && lhp_identity_is_self(&hold->who)) {
            hold->permits++;
            return;
        }
        if (hold->permits == 0)
            unused = hold;
    }
    if (unused) {
        unused->who = lhp_identity_self();
        unused->permits = 1;
    }
}

/* Permits given back are first of all the caller's own, then anybody's. */
static void semaphore_forget_holds(struct lhp_shared_semaphore *s, unsigned n)
{
    for (int own = 1; s->bounded && own >= 0; own--) {
        for (unsigned i = 0; n > 0 && i < LHP_SHARED_WAITERS; i++) {
            struct lhp_shared_hold *hold = &s->holds[i];
            if (hold->permits == 0 || (own && !lhp_identity_is_self(&hold->who)))
                continue;
            unsigned part = n < hold->permits ? n : hold->permits;
            hold->permits -= part;
            n -= part;
        }
    }
}

enum lhp_status lhp_shared_semaphore_acquire(struct lhp_shared_semaphore *semaphore)
{
    return lhp_shared_semaphore_acquire_for(semaphore, LHP_FOREVER);
}

enum lhp_status lhp_shared_semaphore_acquire_for(struct lhp_shared_semaphore *semaphore, int64_t timeout_ns)
{
    struct deadline d = deadline_after(timeout_ns);
    enum lhp_status status = LHP_OK;
    lhp_monitor_enter(&semaphore->monitor);
    while (semaphore->value == 0) {
        if (semaphore_inherit(semaphore)) {
            status = LHP_OWNER_DIED;
            break;
        }
        if (deadline_left_ns(&d) == 0) {
            status = LHP_TIMEOUT;
            break;
        }
        lhp_monitor_sleep(&semaphore->monitor, FOR_A_PERMIT, &d);
    }
    if (status != LHP_TIMEOUT) {
        semaphore->value--;
        semaphore_note_hold(semaphore);
    }
    lhp_monitor_leave(&semaphore->monitor);
    return status;
}

enum lhp_status lhp_shared_semaphore_release(struct lhp_shared_semaphore *semaphore, unsigned n)
{
    if (n == 0)
        return LHP_INVALID;
    lhp_monitor_enter(&semaphore->monitor);
    unsigned bound = semaphore->bounded ? semaphore->bound : UINT_MAX;
    bool fits = n <= bound - semaphore->value;
    if (fits) {
        semaphore_forget_holds(semaphore, n);
        semaphore->value += n;
        lhp_monitor_wake(&semaphore->monitor, FOR_A_PERMIT, n);
    }
    lhp_monitor_leave(&semaphore->monitor);
    return fits ? LHP_OK : LHP_OVER_BOUND;
}

unsigned lhp_shared_semaphore_value(struct lhp_shared_semaphore *semaphore)
{
    lhp_monitor_enter(&semaphore->monitor);
    unsigned value = semaphore->value;
    lhp_monitor_leave(&semaphore->monitor);
    return value;
}
