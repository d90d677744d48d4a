/* detector_meet.c: once routines and channels: where threads meet without a lock. */
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
    if (entry != NULL)
        held_remove(&t->seat->held, entry);
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
