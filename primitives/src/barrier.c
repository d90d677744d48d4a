#include <lhp/barrier.h>

#include "timing.h"

/* On the stack of the waiting thread, in the barrier's list while `pending`.  Each has a semaphore of its own, so that
 * nobody who leaves has to queue for the mutex again. */
struct lhp_barrier_waiter {
    sem_t wake;
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

/* Takes the waits of the current round out and decides them.  The mutex is held, as in every static function below that
 * does not say otherwise. */
static struct lhp_barrier_waiter *barrier_end_round(struct lhp_barrier *b, enum lhp_status outcome)
{
    struct lhp_barrier_waiter *round = b->waiters;
    for (struct lhp_barrier_waiter *w = round; w; w = w->next) {
        w->outcome = outcome;
        w->pending = false;
    }
    b->waiters = NULL;
    b->waiting = 0;
    if (b->entering > 0)
        pthread_cond_broadcast(&b->changed);
    return round;
}

/* With or without the mutex.  A waiter is gone as soon as it is woken. */
static void round_wake(struct lhp_barrier_waiter *round)
{
    while (round) {
        struct lhp_barrier_waiter *next = round->next;
        NOTE_BEFORE(&round->wake);
        sem_post(&round->wake);
        round = next;
    }
}

static void barrier_break(struct lhp_barrier *b)
{
    b->broken = true;
    b->breaks++;
    round_wake(barrier_end_round(b, LHP_BROKEN));
}

static void waiter_unlink(struct lhp_barrier_waiter *w)
{
    struct lhp_barrier_waiter **at = &w->barrier->waiters;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
}

/* Without the mutex: gives up, which breaks the barrier, unless the round has just been decided.
 * Returns: whether it gave up. */
static bool waiter_give_up(struct lhp_barrier_waiter *w)
{
    struct lhp_barrier *b = w->barrier;
    pthread_mutex_lock(&b->mutex);
    bool pending = w->pending;
    if (pending) {
        waiter_unlink(w);
        barrier_break(b);
    }
    pthread_mutex_unlock(&b->mutex);
    if (!pending) /* the post is on its way, and needs the semaphore */
        timing_sem_wait_until(&w->wake, &(struct deadline){.forever = true});
    return pending;
}

static void barrier_wait_cancelled(void *waiter)
{
    struct lhp_barrier_waiter *w = waiter;
    waiter_give_up(w);
    sem_destroy(&w->wake);
}

/* Leaves without the mutex. */
static enum lhp_status barrier_wait_for_others(struct lhp_barrier *b, const struct deadline *d)
{
    struct lhp_barrier_waiter w;
    int err;
    NOTE_FRESH(&w, sizeof(w));
    w = (struct lhp_barrier_waiter){.pending = true, .barrier = b, .next = b->waiters};
    sem_init(&w.wake, 0, 0);
    b->waiters = &w;
    pthread_mutex_unlock(&b->mutex);
    pthread_cleanup_push(barrier_wait_cancelled, &w);
    err = timing_sem_wait_until(&w.wake, d);
    pthread_cleanup_pop(0);
    bool gave_up = err != 0 && waiter_give_up(&w);
    sem_destroy(&w.wake);
    return gave_up ? LHP_TIMEOUT : w.outcome;
}

static void barrier_action_cancelled(void *barrier)
{
    struct lhp_barrier *b = barrier;
    pthread_mutex_lock(&b->mutex);
    b->acting = false;
    barrier_break(b);
    pthread_cond_broadcast(&b->changed);
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

/* Leaves without the mutex. */
static enum lhp_status barrier_trip(struct lhp_barrier *b)
{
    struct lhp_barrier_waiter *round = NULL;
    enum lhp_status status = LHP_OK;
    uint64_t breaks = b->breaks;
    if (b->action && barrier_run_action(b) != 0)
        status = LHP_FAILED;
    if (b->breaks != breaks) {
        pthread_cond_broadcast(&b->changed); /* for those who waited for the action to end */
        status = status == LHP_OK ? LHP_BROKEN : status;
    } else if (status == LHP_FAILED) {
        barrier_break(b);
    } else {
        round = barrier_end_round(b, LHP_OK);
    }
    pthread_mutex_unlock(&b->mutex);
    round_wake(round);
    return status;
}

static void enter_cancelled(void *barrier)
{
    struct lhp_barrier *b = barrier;
    b->entering--;
    pthread_mutex_unlock(&b->mutex);
}

/* Parties of the next round wait here while the action of the last one runs. */
static enum lhp_status barrier_enter(struct lhp_barrier *b, const struct deadline *d)
{
    int err = 0;
    b->entering++;
    pthread_cleanup_push(enter_cancelled, b);
    while (b->acting && !b->broken && err != ETIMEDOUT)
        err = timing_cond_wait_until(&b->changed, &b->mutex, d);
    pthread_cleanup_pop(0);
    b->entering--;
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
    if (status != LHP_OK) {
        pthread_mutex_unlock(&barrier->mutex);
        return status;
    }
    unsigned mine = barrier->waiting++;
    if (index)
        *index = mine;
    return mine + 1 == barrier->parties ? barrier_trip(barrier) : barrier_wait_for_others(barrier, &d);
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
