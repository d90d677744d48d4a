/* detector_sem.c: semaphores.  One that starts at 1 counts as a lock until somebody other than its holder posts it.  One
 * that starts at more lets that many threads in, each of which holds it for reading, as it were, until the same happens or
 * a thread takes two: then it is no lock either.  What is one hands nothing over: another order was as likely. */
#include "detector/locking.h"
#include "detector/loose.h"
#include "detector/order_feed.h"
#include "detector/usage.h"

void detector_sem_request(struct detector *d, struct thread *t, struct object *s, bool timed, struct stack_id at)
{
    if (!relaxed_load(&s->lock_like))
        return;
    if (t->alert != 0 || object_alert_any(s, OBJECT_ALERT_ORPHANED))
        usage_lock_request(d, t, s, LOCK_EXCLUSIVE, timed, at);
    if (t->seat->held.ordered != 0)
        order_feed(d, t, s, LOCK_EXCLUSIVE, at);
}

/* The token is taken by one who holds one already, or left by somebody else: no lock behaves so. */
static void become_hand_over(struct detector *d, struct object *s)
{
    relaxed_store(&s->lock_like, false);
    locking_disown(s);
    order_forget(d, s);
}

/* It does not say how many threads can be where: what was thought to be kept apart by it was not. */
static void become_uncounted(struct detector *d, struct object *s)
{
    relaxed_store(&s->units, 0);
    locking_disown(s);
    order_forget_units(d, s);
}

static void enter(struct detector *d, struct thread *t, struct object *s, struct stack_id at)
{
    if (held_find(&t->seat->held, s) != NULL)
        become_uncounted(d, s);
    else
        (void)held_push(&t->seat->held, d->host, s, LOCK_SHARED, true, at);
}

static void leave(struct detector *d, struct thread *t, struct object *s)
{
    struct held_entry *entry = held_find(&t->seat->held, s);
    if (entry == NULL)
        become_uncounted(d, s);
    else
        held_remove(&t->seat->held, entry);
}

void detector_sem_acquired(struct detector *d, struct thread *t, struct object *s, struct stack_id at)
{
    locking_end_wait(t);
    atomic_fetch_sub_explicit(&s->value, 1, memory_order_relaxed); /* after the fact: never too small */
    loose_receive(t, s);
    locking_acquire_shared(&t->hb, s, &s->hb);
    if (relaxed_load(&s->lock_like) && relaxed_load(&s->owner) == 0) {
        struct held_entry *entry = locking_own(d, t, s, true, at);
        if (entry != NULL)
            entry->signal_depth = (uint8_t)(t->signal_depth < UINT8_MAX ? t->signal_depth : UINT8_MAX);
        return;
    }
    if (relaxed_load(&s->lock_like)) {
        become_hand_over(d, s);
    } else if (relaxed_load(&s->units) != 0) {
        enter(d, t, s, at);
        return;
    }
    locking_acquire_shared(&t->handover, s, &s->handed);
}

void detector_sem_scoped(struct detector *d, struct thread *t, struct object *s)
{
    (void)d;
    if (thread_owns(t, s))
        relaxed_store(&s->posted_by_holder, true);
}

/* Returns: true when the poster held the semaphore like a lock and has now given it up. */
static bool give_up(struct thread *t, struct object *s)
{
    struct held_entry *entry = held_find(&t->seat->held, s);
    if (!thread_owns(t, s) || entry == NULL || !held_entry_is_current(entry))
        return false;
    held_remove(&t->seat->held, entry);
    relaxed_store(&s->posted_by_holder, true);
    relaxed_store(&s->owner, 0);
    return true;
}

void detector_sem_post(struct detector *d, struct thread *t, struct object *s, bool overflows, struct stack_id at)
{
    if (overflows) {
        usage_sem_overflow(d, t, s, at);
        return; /* the post will be refused */
    }
    loose_send(t, s);
    locking_release_shared(&t->hb, s, &s->hb);
    if (relaxed_load(&s->lock_like) && !give_up(t, s))
        become_hand_over(d, s);
    else if (relaxed_load(&s->units) != 0)
        leave(d, t, s);
    if (!relaxed_load(&s->lock_like) && relaxed_load(&s->units) == 0)
        locking_release_shared(&t->handover, s, &s->handed);
    atomic_fetch_add_explicit(&s->value, 1, memory_order_relaxed); /* before the fact: never too small */
}
