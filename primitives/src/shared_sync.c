#include <lhp/shared.h>

#include <limits.h>

#include "shared_monitor.h"

enum { FOR_A_NOTIFY, FOR_THE_SET, WAITS_TO_ENTER };

/* What a barrier writes into the slots of a round's waiters, in place of a plain "told". */
enum { ROUND_OPEN = 0, ROUND_FULL = 1, ROUND_BROKEN = 2 };

void lhp_shared_condition_init(struct lhp_shared_condition *condition, struct lhp_shared_rlock *lock)
{
    lhp_monitor_init(&condition->monitor);
    condition->lock = lock;
}

void lhp_shared_condition_destroy(struct lhp_shared_condition *condition)
{
    lhp_monitor_destroy(&condition->monitor);
}

static bool rlock_is_mine(struct lhp_shared_rlock *lock)
{
    return __atomic_load_n(&lock->owner, __ATOMIC_RELAXED) == lhp_thread_id();
}

struct condition_wait {
    struct lhp_shared_condition *condition;
    struct lhp_shared_slot *slot;
    unsigned level;
    enum lhp_status relock;
};

static void condition_relock(struct condition_wait *w)
{
    w->relock = LHP_OK;
    for (unsigned i = 0; i < w->level; i++)
        if (lhp_shared_rlock_acquire(w->condition->lock) == LHP_OWNER_DIED)
            w->relock = LHP_OWNER_DIED;
}

/* Leaves the line.  Returns: whether it was notified. */
static bool condition_leave_line(struct condition_wait *w)
{
    lhp_monitor_enter(&w->condition->monitor);
    bool told = w->slot->told;
    lhp_monitor_free_slot(&w->condition->monitor, w->slot);
    lhp_monitor_leave(&w->condition->monitor);
    return told;
}

static void condition_wait_cancelled(void *wait)
{
    struct condition_wait *w = wait;
    if (condition_leave_line(w)) {
        lhp_monitor_enter(&w->condition->monitor);
        lhp_monitor_wake(&w->condition->monitor, FOR_A_NOTIFY, 1);
        lhp_monitor_leave(&w->condition->monitor);
    }
    condition_relock(w);
}

static void condition_sleep(struct condition_wait *w, const struct deadline *d)
{
    struct lhp_shared_monitor *m = &w->condition->monitor;
    for (bool over = false; !over;) {
        lhp_slot_sleep(w->slot, d);
        lhp_monitor_enter(m);
        if (!w->slot->told)
            lhp_monitor_bury(m);
        over = w->slot->told || deadline_left_ns(d) == 0;
        lhp_monitor_leave(m);
    }
}

enum lhp_status lhp_shared_condition_wait(struct lhp_shared_condition *condition)
{
    return lhp_shared_condition_wait_for(condition, LHP_FOREVER);
}

enum lhp_status lhp_shared_condition_wait_for(struct lhp_shared_condition *condition, int64_t timeout_ns)
{
    if (!rlock_is_mine(condition->lock))
        return LHP_NOT_OWNER;
    struct deadline d = deadline_after(timeout_ns);
    struct condition_wait w = {.condition = condition, .level = condition->lock->level};
    lhp_monitor_enter(&condition->monitor);
    w.slot = lhp_monitor_take_slot(&condition->monitor, FOR_A_NOTIFY);
    lhp_monitor_leave(&condition->monitor);
    if (!w.slot)
        return LHP_OVER_BOUND;
    for (unsigned i = 0; i < w.level; i++)
        lhp_shared_rlock_release(condition->lock);
    pthread_cleanup_push(condition_wait_cancelled, &w);
    condition_sleep(&w, &d);
    pthread_cleanup_pop(0);
    bool told = condition_leave_line(&w);
    condition_relock(&w);
    return told ? w.relock : LHP_TIMEOUT;
}

enum lhp_status lhp_shared_condition_wait_until(struct lhp_shared_condition *condition, bool (*predicate)(void *arg),
                                                void *arg, int64_t timeout_ns)
{
    if (!rlock_is_mine(condition->lock))
        return LHP_NOT_OWNER;
    struct deadline d = deadline_after(timeout_ns);
    while (!predicate(arg)) {
        enum lhp_status status = lhp_shared_condition_wait_for(condition, deadline_left_ns(&d));
        if (status != LHP_OK)
            return status == LHP_TIMEOUT && predicate(arg) ? LHP_OK : status;
    }
    return LHP_OK;
}

enum lhp_status lhp_shared_condition_notify(struct lhp_shared_condition *condition, unsigned n)
{
    if (!rlock_is_mine(condition->lock))
        return LHP_NOT_OWNER;
    lhp_monitor_enter(&condition->monitor);
    lhp_monitor_wake(&condition->monitor, FOR_A_NOTIFY, n);
    lhp_monitor_leave(&condition->monitor);
    return LHP_OK;
}

enum lhp_status lhp_shared_condition_notify_all(struct lhp_shared_condition *condition)
{
    return lhp_shared_condition_notify(condition, UINT_MAX);
}

/* ---- Event ------------------------------------------------------------------------------------------------------ */

void lhp_shared_event_init(struct lhp_shared_event *event)
{
    lhp_monitor_init(&event->monitor);
    event->up = false;
    event->sets = 0;
}

void lhp_shared_event_destroy(struct lhp_shared_event *event)
{
    lhp_monitor_destroy(&event->monitor);
}

void lhp_shared_event_set(struct lhp_shared_event *event)
{
    lhp_monitor_enter(&event->monitor);
    event->sets += !event->up;
    event->up = true;
    lhp_monitor_wake(&event->monitor, FOR_THE_SET, UINT_MAX);
    lhp_monitor_leave(&event->monitor);
}

void lhp_shared_event_clear(struct lhp_shared_event *event)
{
    lhp_monitor_enter(&event->monitor);
    event->up = false;
    lhp_monitor_leave(&event->monitor);
}

bool lhp_shared_event_is_set(struct lhp_shared_event *event)
{
    lhp_monitor_enter(&event->monitor);
    bool up = event->up;
    lhp_monitor_leave(&event->monitor);
    return up;
}

void lhp_shared_event_wait(struct lhp_shared_event *event)
{
    (void)!lhp_shared_event_wait_for(event, LHP_FOREVER);
}

enum lhp_status lhp_shared_event_wait_for(struct lhp_shared_event *event, int64_t timeout_ns)
{
    struct deadline d = deadline_after(timeout_ns);
    lhp_monitor_enter(&event->monitor);
    uint64_t sets = event->sets;
    while (!event->up && event->sets == sets && deadline_left_ns(&d) != 0)
        lhp_monitor_sleep(&event->monitor, FOR_THE_SET, &d);
    bool set = event->up || event->sets != sets;
    lhp_monitor_leave(&event->monitor);
    return set ? LHP_OK : LHP_TIMEOUT;
}

/* ---- Barrier ---------------------------------------------------------------------------------------------------- */

enum lhp_status lhp_shared_barrier_init(struct lhp_shared_barrier *barrier, unsigned parties, int (*action)(void *arg),
                                        void *arg)
{
    if (parties == 0 || parties > LHP_SHARED_WAITERS)
        return LHP_INVALID;
    lhp_monitor_init(&barrier->monitor);
    barrier->parties = parties;
    barrier->action = action;
    barrier->arg = arg;
    barrier->ending = (struct lhp_shared_identity){0};
    barrier->broken = false;
    barrier->breaks = 0;
    return LHP_OK;
}

void lhp_shared_barrier_destroy(struct lhp_shared_barrier *barrier)
{
    lhp_monitor_destroy(&barrier->monitor);
}

/* The waits of the open round are the slots that have not been told an outcome. */
static bool slot_is_of_round(const struct lhp_shared_slot *slot)
{
    return slot->who.pid != 0 && slot->kind == LHP_SLOT_OUTCOME && slot->told == ROUND_OPEN;
}

static unsigned round_size(const struct lhp_shared_barrier *b)
{
    unsigned n = 0;
    for (unsigned i = 0; i < LHP_SHARED_WAITERS; i++)
        n += slot_is_of_round(&b->monitor.slots[i]);
    return n;
}

static void round_end(struct lhp_shared_barrier *b, int outcome)
{
    for (unsigned i = 0; i < LHP_SHARED_WAITERS; i++) {
        struct lhp_shared_slot *slot = &b->monitor.slots[i];
        if (slot_is_of_round(slot)) {
            slot->told = outcome;
            sem_post(&slot->wake);
        }
    }
}

static void barrier_break(struct lhp_shared_barrier *b)
{
    b->broken = true;
    b->breaks++;
    round_end(b, ROUND_BROKEN);
}

/* The last party has done what there was to do: who came meanwhile may form the next round. */
static void round_is_over(struct lhp_shared_barrier *b)
{
    b->ending.pid = 0;
    lhp_monitor_wake(&b->monitor, WAITS_TO_ENTER, LHP_SHARED_WAITERS);
}

/* A party that died while it waited, or while it ended the round, will not come back for this round. */
static void barrier_look_for_the_dead(struct lhp_shared_barrier *b)
{
    if (b->ending.pid != 0 && !lhp_identity_is_self(&b->ending) && !lhp_identity_alive(&b->ending)) {
        barrier_break(b);
        round_is_over(b);
    }
    for (unsigned i = 0; i < LHP_SHARED_WAITERS; i++) {
        struct lhp_shared_slot *slot = &b->monitor.slots[i];
        if (slot->who.pid == 0 || lhp_identity_is_self(&slot->who) || lhp_identity_alive(&slot->who))
            continue;
        bool open = slot_is_of_round(slot);
        lhp_monitor_free_slot(&b->monitor, slot);
        if (open)
            barrier_break(b);
    }
}

struct barrier_wait {
    struct lhp_shared_barrier *barrier;
    struct lhp_shared_slot *slot;
};

static void barrier_wait_cancelled(void *wait)
{
    struct barrier_wait *w = wait;
    lhp_monitor_enter(&w->barrier->monitor);
    if (w->slot->told == ROUND_OPEN)
        barrier_break(w->barrier);
    lhp_monitor_free_slot(&w->barrier->monitor, w->slot);
    lhp_monitor_leave(&w->barrier->monitor);
}

/* In the guard at the beginning and at the end. */
static enum lhp_status barrier_wait_for_others(struct barrier_wait *w, const struct deadline *d)
{
    struct lhp_shared_barrier *b = w->barrier;
    bool late = false;
    while (w->slot->told == ROUND_OPEN && !late) {
        lhp_monitor_leave(&b->monitor);
        pthread_cleanup_push(barrier_wait_cancelled, w);
        lhp_slot_sleep(w->slot, d);
        pthread_cleanup_pop(0);
        lhp_monitor_enter(&b->monitor);
        if (w->slot->told == ROUND_OPEN)
            barrier_look_for_the_dead(b);
        late = w->slot->told == ROUND_OPEN && deadline_left_ns(d) == 0;
    }
    if (late)
        barrier_break(b);
    int outcome = w->slot->told;
    lhp_monitor_free_slot(&w->barrier->monitor, w->slot);
    if (late)
        return LHP_TIMEOUT;
    return outcome == ROUND_FULL ? LHP_OK : LHP_BROKEN;
}

static void barrier_action_cancelled(void *barrier)
{
    struct lhp_shared_barrier *b = barrier;
    lhp_monitor_enter(&b->monitor);
    barrier_break(b);
    round_is_over(b);
    lhp_monitor_leave(&b->monitor);
}

/* Out of the guard. */
static int barrier_run_action(struct lhp_shared_barrier *b)
{
    int failed;
    lhp_monitor_leave(&b->monitor);
    pthread_cleanup_push(barrier_action_cancelled, b);
    failed = b->action(b->arg);
    pthread_cleanup_pop(0);
    lhp_monitor_enter(&b->monitor);
    return failed;
}

/* The last party ends the round.  From the first store to the last it is named in `ending`, so that the others notice when
 * it dies in between. */
static enum lhp_status barrier_trip(struct lhp_shared_barrier *b)
{
    enum lhp_status status = LHP_OK;
    uint64_t breaks = b->breaks;
    b->ending = lhp_identity_self();
    if (b->action && barrier_run_action(b) != 0)
        status = LHP_FAILED;
    if (b->breaks != breaks)
        status = status == LHP_OK ? LHP_BROKEN : status;
    else if (status == LHP_FAILED)
        barrier_break(b);
    else
        round_end(b, ROUND_FULL);
    round_is_over(b);
    return status;
}

/* Parties of the next round wait here while the action of the last one runs. */
static enum lhp_status barrier_enter(struct lhp_shared_barrier *b, const struct deadline *d)
{
    while (b->ending.pid != 0 && !b->broken) {
        barrier_look_for_the_dead(b);
        if (b->ending.pid == 0 || b->broken)
            break;
        if (deadline_left_ns(d) == 0)
            return LHP_TIMEOUT;
        lhp_monitor_sleep(&b->monitor, WAITS_TO_ENTER, d);
    }
    return b->broken ? LHP_BROKEN : LHP_OK;
}

static enum lhp_status barrier_arrive(struct lhp_shared_barrier *b, const struct deadline *d, unsigned *index)
{
    unsigned mine = round_size(b);
    if (index)
        *index = mine;
    if (mine + 1 == b->parties) {
        barrier_look_for_the_dead(b); /* before they are counted as having come */
        return b->broken ? LHP_BROKEN : barrier_trip(b);
    }
    struct barrier_wait w = {b, lhp_monitor_take_slot(&b->monitor, LHP_SLOT_OUTCOME)};
    if (!w.slot) {
        barrier_break(b); /* more than one full round of other processes at once: not what it was made for */
        return LHP_BROKEN;
    }
    return barrier_wait_for_others(&w, d);
}

enum lhp_status lhp_shared_barrier_wait(struct lhp_shared_barrier *barrier, unsigned *index)
{
    return lhp_shared_barrier_wait_for(barrier, LHP_FOREVER, index);
}

enum lhp_status lhp_shared_barrier_wait_for(struct lhp_shared_barrier *barrier, int64_t timeout_ns, unsigned *index)
{
    struct deadline d = deadline_after(timeout_ns);
    lhp_monitor_enter(&barrier->monitor);
    enum lhp_status status = barrier_enter(barrier, &d);
    if (status == LHP_OK)
        status = barrier_arrive(barrier, &d, index);
    lhp_monitor_leave(&barrier->monitor);
    return status;
}

void lhp_shared_barrier_reset(struct lhp_shared_barrier *barrier)
{
    lhp_monitor_enter(&barrier->monitor);
    barrier_break(barrier);
    barrier->broken = false;
    lhp_monitor_leave(&barrier->monitor);
}

void lhp_shared_barrier_abort(struct lhp_shared_barrier *barrier)
{
    lhp_monitor_enter(&barrier->monitor);
    barrier_break(barrier);
    lhp_monitor_leave(&barrier->monitor);
}

bool lhp_shared_barrier_broken(struct lhp_shared_barrier *barrier)
{
    lhp_monitor_enter(&barrier->monitor);
    bool broken = barrier->broken;
    lhp_monitor_leave(&barrier->monitor);
    return broken;
}

unsigned lhp_shared_barrier_parties(struct lhp_shared_barrier *barrier)
{
    return barrier->parties;
}

unsigned lhp_shared_barrier_waiting(struct lhp_shared_barrier *barrier)
{
    lhp_monitor_enter(&barrier->monitor);
    unsigned waiting = barrier->ending.pid != 0 ? 0 : round_size(barrier);
    lhp_monitor_leave(&barrier->monitor);
    return waiting;
}
