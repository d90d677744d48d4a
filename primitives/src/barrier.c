#include <lhp/barrier.h>

#include "timing.h"

/* On the stack of the waiting thread, in the barrier's list while `pending`. */
struct lhp_barrier_waiter {
    bool pending;
    enum lhp_status outcome;
    struct lhp_barrier *barrier;
    struct lhp_barrier_waiter *next;
};

enum lhp_status lhp_barrier_init(struct lhp_barrier *barrier, unsigned parties, int (*action)(void *arg), void *arg)
{
    if (parties == 0)
        return LHP_INVALID;
    *barrier = (struct lhp_barrier){.parties = parties, .action = action, .arg = arg};
    pthread_mutex_init(&barrier->mutex, NULL);
    timing_cond_init(&barrier->changed);
    return LHP_OK;
}

void lhp_barrier_destroy(struct lhp_barrier *barrier)
{
    pthread_cond_destroy(&barrier->changed);
    pthread_mutex_destroy(&barrier->mutex);
}

/* Ends the waits of the current round.  The mutex is held, as in every static function below. */
static void barrier_end_round(struct lhp_barrier *b, enum lhp_status outcome)
{
    for (struct lhp_barrier_waiter *w = b->waiters; w; w = w->next) {
        w->outcome = outcome;
        w->pending = false;
    }
    b->waiters = NULL;
    b->waiting = 0;
    pthread_cond_broadcast(&b->changed);
}

static void barrier_break(struct lhp_barrier *b)
{
    b->broken = true;
    b->breaks++;
    barrier_end_round(b, LHP_BROKEN);
}

static void barrier_wait_cancelled(void *waiter)
{
    struct lhp_barrier_waiter *w = waiter;
    if (w->pending)
        barrier_break(w->barrier);
    pthread_mutex_unlock(&w->barrier->mutex);
}

static enum lhp_status barrier_wait_for_others(struct lhp_barrier *b, const struct deadline *d)
{
    struct lhp_barrier_waiter w = {.pending = true, .barrier = b, .next = b->waiters};
    int err = 0;
    b->waiters = &w;
    pthread_cleanup_push(barrier_wait_cancelled, &w);
    while (w.pending && err != ETIMEDOUT)
        err = timing_cond_wait_until(&b->changed, &b->mutex, d);
    pthread_cleanup_pop(0);
    if (!w.pending)
        return w.outcome;
    barrier_break(b);
    return LHP_TIMEOUT;
}

static void barrier_action_cancelled(void *barrier)
{
    struct lhp_barrier *b = barrier;
    pthread_mutex_lock(&b->mutex);
    b->acting = false;
    barrier_break(b);
    pthread_mutex_unlock(&b->mutex);
}

static int barrier_run_action(struct lhp_barrier *b)
{
    int failed;
    b->acting = true;
    pthread_mutex_unlock(&b->mutex);
    pthread_cleanup_push(barrier_action_cancelled, b);
    failed = b->action(b->arg);
    pthread_cleanup_pop(0);
    pthread_mutex_lock(&b->mutex);
    b->acting = false;
    return failed;
}

static enum lhp_status barrier_trip(struct lhp_barrier *b)
{
    uint64_t breaks = b->breaks;
    int failed = b->action ? barrier_run_action(b) : 0;
    if (b->breaks != breaks) {
        pthread_cond_broadcast(&b->changed); /* for those who waited for the action to end */
        return failed ? LHP_FAILED : LHP_BROKEN;
    }
    if (failed) {
        barrier_break(b);
        return LHP_FAILED;
    }
    barrier_end_round(b, LHP_OK);
    return LHP_OK;
}

/* Parties of the next round wait here while the action of the last one runs. */
static enum lhp_status barrier_enter(struct lhp_barrier *b, const struct deadline *d)
{
    int err = 0;
    pthread_cleanup_push(timing_unlock_cleanup, &b->mutex);
    while (b->acting && !b->broken && err != ETIMEDOUT)
        err = timing_cond_wait_until(&b->changed, &b->mutex, d);
    pthread_cleanup_pop(0);
    if (b->broken)
        return LHP_BROKEN;
    return b->acting ? LHP_TIMEOUT : LHP_OK;
}

enum lhp_status lhp_barrier_wait(struct lhp_barrier *barrier, unsigned *index)
{
    return lhp_barrier_wait_for(barrier, LHP_FOREVER, index);
}

enum lhp_status lhp_barrier_wait_for(struct lhp_barrier *barrier, int64_t timeout_ns, unsigned *index)
{
    struct deadline d = deadline_after(timeout_ns);
    pthread_mutex_lock(&barrier->mutex);
    enum lhp_status status = barrier_enter(barrier, &d);
    if (status == LHP_OK) {
        unsigned mine = barrier->waiting++;
        if (index)
            *index = mine;
        status = mine + 1 == barrier->parties ? barrier_trip(barrier) : barrier_wait_for_others(barrier, &d);
    }
    pthread_mutex_unlock(&barrier->mutex);
    return status;
}

void lhp_barrier_reset(struct lhp_barrier *barrier)
{
    pthread_mutex_lock(&barrier->mutex);
    barrier_break(barrier);
    barrier->broken = false;
    pthread_mutex_unlock(&barrier->mutex);
}

void lhp_barrier_abort(struct lhp_barrier *barrier)
{
    pthread_mutex_lock(&barrier->mutex);
    barrier_break(barrier);
    pthread_mutex_unlock(&barrier->mutex);
}

unsigned lhp_barrier_parties(struct lhp_barrier *barrier)
{
    return barrier->parties;
}

unsigned lhp_barrier_waiting(struct lhp_barrier *barrier)
{
    pthread_mutex_lock(&barrier->mutex);
    unsigned waiting = barrier->acting ? 0 : barrier->waiting;
    pthread_mutex_unlock(&barrier->mutex);
    return waiting;
}

bool lhp_barrier_broken(struct lhp_barrier *barrier)
{
    pthread_mutex_lock(&barrier->mutex);
    bool broken = barrier->broken;
    pthread_mutex_unlock(&barrier->mutex);
    return broken;
}
