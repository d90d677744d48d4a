/* detector_cond.c: condition variables.  What a signaller knew is handed over through the mutex, not the condition: a
 * waiter that comes late finds the predicate true and never waits. */
#include "detector/locking.h"
#include "detector/loose.h"
#include "detector/order_feed.h"
#include "detector/usage.h"

/* ---- how many wait, and how many of them have a signal coming --------------------------------------------------- */

/* Returns: the signals counted so far.  One that is counted later has found this waiter, or is taken to have. */
static uint64_t word_add_waiter(struct object *c)
{
    /* acquire: a signal that did not find it is counted; partner: word_signal() */
    atomic_fetch_add_explicit(&c->waiters, COND_WORD(1, 0), memory_order_acquire);
    return (uint64_t)relaxed_load(&c->value);
}

/* `woken`: by a signal that found it. */
static void word_remove_waiter(struct object *c, bool woken)
{
    uint64_t word = relaxed_load(&c->waiters), next;
    do {
        uint32_t waiters = COND_WAITERS(word), pending = COND_PENDING(word);
        waiters -= waiters > 0;
        pending -= woken && pending > 0;
        next = COND_WORD(waiters, pending > waiters ? waiters : pending);
        /* relaxed: one word, and the waits it belongs to are published by their seats */
    } while (
        !atomic_compare_exchange_weak_explicit(&c->waiters, &word, next, memory_order_relaxed, memory_order_relaxed));
}

static void word_signal(struct object *c, bool broadcast)
{
    atomic_fetch_add_explicit(&c->value, 1, memory_order_relaxed);
    uint64_t word = relaxed_load(&c->waiters), next;
    do {
        uint32_t waiters = COND_WAITERS(word), pending = COND_PENDING(word);
        pending = broadcast || pending == waiters ? waiters : pending + 1;
        next = COND_WORD(waiters, pending);
        /* release: after the count; partner: word_add_waiter() */
    } while (
        !atomic_compare_exchange_weak_explicit(&c->waiters, &word, next, memory_order_release, memory_order_relaxed));
    if (COND_WAITERS(word) == 0)
        atomic_fetch_add_explicit(&c->idle_signals, 1, memory_order_relaxed);
}

/* ---- verbs ------------------------------------------------------------------------------------------------------ */

/* Returns: true when the C library refuses to wait with a mutex that the thread does not hold: EPERM. */
static bool is_refused(const struct object *m)
{
    return m->type == MUTEX_ERRORCHECK || m->type == MUTEX_RECURSIVE || object_alert_any(m, OBJECT_ALERT_ROBUST);
}

void detector_cond_wait(struct detector *d, struct thread *t, struct object *c, struct object *m, bool timed,
                        struct stack_id at)
{
    usage_cond_wait(d, t, c, m, at);
    relaxed_store(&c->partner_id, relaxed_load(&m->id));
    relaxed_store(&c->partner, m);
    uint64_t signals = word_add_waiter(c);
    struct held_entry *entry = held_find(&t->seat->held, m);
    if (entry != NULL)
        detector_lock_released(d, t, m, at);
    if (t->seat->held.ordered != 0)
        order_feed(d, t, m, LOCK_EXCLUSIVE, at); /* it will take the mutex again while it holds these */
    struct wait_record wait = {
        .kind = WAIT_COND,
        .wanted = c,
        .wanted_id = relaxed_load(&c->id),
        .ticket = signals,
        .timed = timed || (entry == NULL && is_refused(m)),
        .at = at,
        .signal_number = t->signal_depth > 0 ? t->signal_number : 0,
    };
    locking_begin_wait(d, t, &wait);
}

void detector_cond_woken(struct detector *d, struct thread *t, struct object *c, struct object *m, bool woken,
                         bool owner_died, struct stack_id at)
{
    locking_end_wait(t);
    /* Who began to wait between a signal's count and the signal may be woken by it, and leaves the count to those that it found. */
    word_remove_waiter(c, woken && relaxed_load(&t->seat->ticket) != (uint64_t)relaxed_load(&c->value));
    if (woken) {
        loose_receive(t, c);
        locking_acquire_shared(&t->hb, c, &c->hb);
        if (!c->schedules)
            locking_acquire_shared(&t->handover, c, &c->handed);
    }
    detector_lock_acquired(d, t, m, LOCK_EXCLUSIVE, owner_died, at);
}

static void hand_over(struct thread *t, struct object *m)
{
    locking_release_shared(&t->handover, m, &m->handed);
    if (!object_alert_any(m, OBJECT_ALERT_HANDED)) {
        /* relaxed: whoever takes the mutex after this thread has left it sees it through the mutex itself */
        atomic_fetch_or_explicit(&m->alert, OBJECT_ALERT_HANDED, memory_order_relaxed);
    }
}

static void hand_over_to_waiters(struct thread *t, struct object *c)
{
    locking_release_shared(&t->handover, c, &c->handed);
    struct object *m = relaxed_load(&c->partner);
    if (m != NULL && relaxed_load(&m->id) == relaxed_load(&c->partner_id)) {
        hand_over(t, m);
    } else {
        for (uint32_t i = 0; i < held_count(&t->seat->held); i++) {
            struct object *held = relaxed_load(&held_entries(&t->seat->held)[i].object);
            if (held->kind == OBJECT_MUTEX)
                hand_over(t, held);
        }
    }
}

/* A late waiter finds the predicate true and never waits: it is ordered through the mutex.  That holds for signals that say
 * whose turn it is as well. */
static void send_loosely(struct thread *t, struct object *c)
{
    struct object *m = relaxed_load(&c->partner);
    loose_send(t, c);
    if (m != NULL && relaxed_load(&m->id) == relaxed_load(&c->partner_id))
        loose_send(t, m);
    for (uint32_t i = 0; i < held_count(&t->seat->held); i++)
        loose_send(t, relaxed_load(&held_entries(&t->seat->held)[i].object));
}

void detector_cond_signal(struct detector *d, struct thread *t, struct object *c, bool broadcast, struct stack_id at)
{
    usage_cond_signal(d, t, c, at);
    if (loose_is_kept(t))
        send_loosely(t, c);
    locking_release_shared(&t->hb, c, &c->hb);
    if (!c->schedules)
        hand_over_to_waiters(t, c);
    word_signal(c, broadcast);
}
