#include "detector/locking.h"

#include "detector/asleep.h"
#include "detector/wait_for.h"

void locking_end_wait(struct thread *t)
{
    if ((t->alert & THREAD_ALERT_WAITING) != 0)
        seat_end_wait(t->seat);
    t->alert &= ~(uint32_t)(THREAD_ALERT_WAITING | THREAD_ALERT_HANG_SAID);
    t->wait_interrupted = false;
}

void locking_interrupt_wait(struct thread *t)
{
    if ((t->alert & THREAD_ALERT_WAITING) != 0) {
        seat_end_wait(t->seat);
        t->alert &= ~(uint32_t)THREAD_ALERT_WAITING;
        t->wait_interrupted = true;
    }
}

/* With EINTR, unless the handler was installed with SA_RESTART: signal(7).  All others go on. */
static bool ends_with_handler(uint8_t wait)
{
    return wait == WAIT_SEMAPHORE || wait == WAIT_FUTEX;
}

void locking_resume_wait(struct detector *d, struct thread *t)
{
    if (!t->wait_interrupted)
        return; /* there was none, or the handler waited itself and its record stands there now */
    t->wait_interrupted = false;
    if (ends_with_handler(relaxed_load(&t->seat->wait)))
        return;
    t->alert |= THREAD_ALERT_WAITING;
    seat_resume_wait(t->seat);
    if (finding_enabled(d, FINDING_DEADLOCK))
        asleep_check(d, t);
}

/* The wait was reported when it was requested: nobody is to report it again. */
static void mark_said(struct detector *d, struct thread *t)
{
    detector_enter(d, RANK_REGISTRY);
    t->seat->reported = relaxed_load(&t->seat->sequence);
    detector_leave(d, RANK_REGISTRY);
}

void locking_begin_wait(struct detector *d, struct thread *t, const struct wait_record *wait)
{
    seat_publish_wait(t->seat, wait);
    t->alert |= THREAD_ALERT_WAITING;
    t->wait_interrupted = false;
    if (!finding_enabled(d, FINDING_DEADLOCK) || wait->timed)
        return;
    bool is_end = false;
    if ((t->alert & THREAD_ALERT_HANG_SAID) != 0 && t->hang_said == wait->wanted)
        mark_said(d, t);
    else if (held_count(&t->seat->held) > 0 || relaxed_load(&t->joiner) != 0)
        is_end = wait_for_check(d, t);
    if (!is_end)
        asleep_check(d, t);
}

struct held_entry *locking_own(struct detector *d, struct thread *t, struct object *o, bool ordered, struct stack_id at)
{
    relaxed_store(&o->serial, relaxed_load(&o->serial) + 1);
    relaxed_store(&o->owner, t->self);
    return held_push(&t->seat->held, d->host, o, LOCK_EXCLUSIVE, ordered, at);
}

void locking_lose_hold(struct detector *d)
{
    atomic_fetch_add_explicit(&d->lost_orders, 1, memory_order_relaxed); /* whoever asks comes later by itself */
}

void locking_disown(struct object *o)
{
    relaxed_store(&o->serial, relaxed_load(&o->serial) + 1);
    relaxed_store(&o->owner, 0);
}

void locking_release_shared(struct thread_clock *clock, struct object *o, struct sync_clock *sync)
{
    object_enter(o);
    thread_clock_release_join(clock, sync);
    object_leave(o);
}

void locking_acquire_shared(struct thread_clock *clock, struct object *o, const struct sync_clock *sync)
{
    if (thread_clock_has_taken(clock, sync))
        return;
    object_enter(o);
    thread_clock_acquire_slow(clock, sync);
    object_leave(o);
}

void locking_take_handed(struct thread *t, struct object *o)
{
    if (object_alert_any(o, OBJECT_ALERT_HANDED))
        locking_acquire_shared(&t->handover, o, &o->handed);
}
