#include <lhp/condition.h>

#include <limits.h>

#include "timing.h"

/* On the stack of the waiting thread; every member but `wake` is guarded by the condition's lock. */
struct lhp_condition_waiter {
    sem_t wake;
    bool notified; /* and no longer in the queue */
    struct lhp_condition *condition;
    struct lhp_condition_waiter *prev, *next;
    unsigned level; /* of the RLock, given up during the wait */
};

void lhp_condition_init(struct lhp_condition *condition)
{
    lhp_rlock_init(&condition->own);
    lhp_condition_init_rlock(condition, &condition->own);
}

void lhp_condition_init_lock(struct lhp_condition *condition, struct lhp_lock *lock)
{
    condition->lock = lock;
    condition->rlock = NULL;
    condition->first = condition->last = NULL;
}

void lhp_condition_init_rlock(struct lhp_condition *condition, struct lhp_rlock *lock)
{
    condition->lock = NULL;
    condition->rlock = lock;
    condition->first = condition->last = NULL;
}

void lhp_condition_destroy(struct lhp_condition *condition)
{
    if (condition->rlock == &condition->own)
        lhp_rlock_destroy(&condition->own);
}

void lhp_condition_acquire(struct lhp_condition *condition)
{
    if (condition->lock)
        lhp_lock_acquire(condition->lock);
    else
        lhp_rlock_acquire(condition->rlock);
}

enum lhp_status lhp_condition_release(struct lhp_condition *condition)
{
    return condition->lock ? lhp_lock_release(condition->lock) : lhp_rlock_release(condition->rlock);
}

static bool condition_is_held(struct lhp_condition *condition)
{
    return condition->lock ? lhp_lock_locked(condition->lock) : lhp_rlock_owned(condition->rlock);
}

static void waiter_enqueue(struct lhp_condition_waiter *w)
{
    struct lhp_condition *c = w->condition;
    w->prev = c->last;
    w->next = NULL;
    if (c->last)
        c->last->next = w;
    else
        c->first = w;
    c->last = w;
}

static void waiter_unlink(struct lhp_condition_waiter *w)
{
    struct lhp_condition *c = w->condition;
    if (w->prev)
        w->prev->next = w->next;
    else
        c->first = w->next;
    if (w->next)
        w->next->prev = w->prev;
    else
        c->last = w->prev;
}

/* Gives up the lock altogether, however often an RLock was acquired. */
static void waiter_unlock(struct lhp_condition_waiter *w)
{
    if (w->condition->lock) {
        lhp_lock_release(w->condition->lock);
        return;
    }
    w->level = lhp_rlock_level(w->condition->rlock);
    for (unsigned i = 0; i < w->level; i++)
        lhp_rlock_release(w->condition->rlock);
}

static void waiter_relock(struct lhp_condition_waiter *w)
{
    if (w->condition->lock) {
        /* Acquiring a Lock is a cancellation point, and a wait must not return without the lock. */
        int state;
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
        lhp_lock_acquire(w->condition->lock);
        pthread_setcancelstate(state, NULL);
        return;
    }
    for (unsigned i = 0; i < w->level; i++)
        lhp_rlock_acquire(w->condition->rlock);
}

/* With the lock held: the wait is over.  Returns: whether it was notified, perhaps while it was giving up. */
static bool waiter_finish(struct lhp_condition_waiter *w)
{
    if (!w->notified)
        waiter_unlink(w);
    sem_destroy(&w->wake);
    return w->notified;
}

static void waiter_cancelled(void *waiter)
{
    struct lhp_condition_waiter *w = waiter;
    waiter_relock(w);
    if (waiter_finish(w))
        lhp_condition_notify(w->condition, 1);
}

static enum lhp_status condition_wait(struct lhp_condition *condition, const struct deadline *d)
{
    if (!condition_is_held(condition))
        return LHP_NOT_HELD;
    struct lhp_condition_waiter w;
    NOTE_FRESH(&w, sizeof(w));
    w = (struct lhp_condition_waiter){.condition = condition};
    sem_init(&w.wake, 0, 0);
    waiter_enqueue(&w);
    waiter_unlock(&w);
    pthread_cleanup_push(waiter_cancelled, &w);
    timing_sem_wait_until(&w.wake, d);
    pthread_cleanup_pop(0);
    waiter_relock(&w);
    return waiter_finish(&w) ? LHP_OK : LHP_TIMEOUT;
}

enum lhp_status lhp_condition_wait(struct lhp_condition *condition)
{
    return lhp_condition_wait_for(condition, LHP_FOREVER);
}

enum lhp_status lhp_condition_wait_for(struct lhp_condition *condition, int64_t timeout_ns)
{
    struct deadline d = deadline_after(timeout_ns);
    return condition_wait(condition, &d);
}

enum lhp_status lhp_condition_wait_until(struct lhp_condition *condition, bool (*predicate)(void *arg), void *arg,
                                         int64_t timeout_ns)
{
    if (!condition_is_held(condition))
        return LHP_NOT_HELD;
    struct deadline d = deadline_after(timeout_ns);
    while (!predicate(arg)) {
        enum lhp_status status = condition_wait(condition, &d);
        if (status != LHP_OK)
            return status == LHP_TIMEOUT && predicate(arg) ? LHP_OK : status;
    }
    return LHP_OK;
}

enum lhp_status lhp_condition_notify(struct lhp_condition *condition, unsigned n)
{
    if (!condition_is_held(condition))
        return LHP_NOT_HELD;
    for (; n > 0 && condition->first; n--) {
        struct lhp_condition_waiter *w = condition->first;
        waiter_unlink(w);
        w->notified = true;
        NOTE_BEFORE(&w->wake);
        /* The waiter needs the lock that this thread holds before its stack frame can go. */
        sem_post(&w->wake);
    }
    return LHP_OK;
}

enum lhp_status lhp_condition_notify_all(struct lhp_condition *condition)
{
    return lhp_condition_notify(condition, UINT_MAX);
}
