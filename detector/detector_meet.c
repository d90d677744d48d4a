/* detector_meet.c: barriers, once routines and channels: where threads meet without a lock. */
#include "detector/locking.h"
#include "detector/loose.h"
#include "detector/usage.h"

static void send_both(struct thread *t, struct object *o)
{
    loose_send(t, o);
    locking_release_shared(&t->hb, o, &o->hb);
    locking_release_shared(&t->handover, o, &o->handed);
}

static void receive_both(struct thread *t, struct object *o)
{
    loose_receive(t, o);
    locking_acquire_shared(&t->hb, o, &o->hb);
    locking_acquire_shared(&t->handover, o, &o->handed);
}

/* ---- barriers --------------------------------------------------------------------------------------------------- */

void detector_barrier_arrive(struct detector *d, struct thread *t, struct object *b, struct stack_id at)
{
    send_both(t, b);
    /* relaxed: counts; the waits they decide about are published by their seats */
    atomic_fetch_add_explicit(&b->waiters, 1, memory_order_relaxed);
    uint64_t before = (uint64_t)atomic_fetch_add_explicit(&b->value, 1, memory_order_relaxed);
    uint64_t parties = b->count == 0 ? 1 : b->count;
    struct wait_record wait = {
        .kind = WAIT_BARRIER,
        .wanted = b,
        .wanted_id = relaxed_load(&b->id),
        .ticket = (before / parties + 1) * parties,
        .at = at,
        .signal_number = t->signal_depth > 0 ? t->signal_number : 0,
    };
    /* Of one that is shared the others' arrivals are not counted here. */
    if (before + 1 < wait.ticket || object_alert_any(b, OBJECT_ALERT_SHARED)) {
        locking_begin_wait(d, t, &wait);
    }
}

void detector_barrier_leave(struct detector *d, struct thread *t, struct object *b)
{
    (void)d;
    locking_end_wait(t);
    receive_both(t, b);
    uint64_t inside = relaxed_load(&b->waiters);
    while (inside > 0 && !atomic_compare_exchange_weak_explicit(&b->waiters, &inside, inside - 1, memory_order_relaxed,
                                                                memory_order_relaxed)) {
    }
}

/* Of one that is shared the others' arrivals are not counted here: who is in it may be on the way out. */
bool detector_barrier_is_being_left(const struct object *b)
{
    uint64_t parties = b->count == 0 ? 1 : b->count;
    bool is_full = (uint64_t)relaxed_load(&b->value) % parties == 0 || object_alert_any(b, OBJECT_ALERT_SHARED);
    return is_full && relaxed_load(&b->waiters) > 0;
}

/* ---- once ------------------------------------------------------------------------------------------------------- */

void detector_once_begin(struct detector *d, struct thread *t, struct object *o, struct stack_id at)
{
    locking_end_wait(t);
    (void)locking_own(d, t, o, false, at);
    receive_both(t, o);
}

void detector_once_done(struct detector *d, struct thread *t, struct object *o, bool aborted)
{
    (void)d;
    (void)aborted; /* whoever tries next has then seen what the aborted run did */
    struct held_entry *entry = held_find(&t->seat->held, o);
    if (entry != NULL) {
        held_remove(&t->seat->held, entry);
    }
    locking_disown(o);
    send_both(t, o);
}

void detector_once_passed(struct detector *d, struct thread *t, struct object *o)
{
    (void)d;
    locking_end_wait(t);
    receive_both(t, o);
}

/* ---- channels --------------------------------------------------------------------------------------------------- */

void detector_channel_send(struct detector *d, struct thread *t, struct object *channel)
{
    (void)d;
    send_both(t, channel);
    atomic_fetch_add_explicit(&channel->value, 1, memory_order_relaxed); /* who sleeps since before may wake */
}

void detector_channel_receive(struct detector *d, struct thread *t, struct object *channel)
{
    (void)d;
    locking_end_wait(t);
    receive_both(t, channel);
}
