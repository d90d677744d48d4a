/* detector_process.c: signal handlers and forks. */
#include "detector/locking.h"

/* ---- signals ---------------------------------------------------------------------------------------------------- */

void detector_signal_enter(struct detector *d, struct thread *t, int signal_number)
{
    (void)d;
    locking_interrupt_wait(t);
    t->signal_depth++;
    t->signal_number = signal_number;
    t->alert |= THREAD_ALERT_IN_HANDLER;
}

void detector_signal_leave(struct detector *d, struct thread *t)
{
    if (t->signal_depth > 0 && --t->signal_depth == 0) {
        t->signal_number = 0;
        t->alert &= ~(uint32_t)THREAD_ALERT_IN_HANDLER;
        locking_resume_wait(d, t);
    }
}

static void watch_for_signals(void *ctx, struct object *o)
{
    (void)ctx;
    object_enter(o);
    o->masked_takings = 0;
    object_leave(o);
    atomic_fetch_or_explicit(&o->alert, OBJECT_ALERT_SIGNALS, memory_order_relaxed); /* as every bit */
}

void detector_expect_signals(struct detector *d, uint64_t signals)
{
    /* relaxed: a lock that is taken meanwhile may be taken before as well */
    uint64_t before = atomic_fetch_or_explicit(&d->signals, signals, memory_order_relaxed);
    if ((signals & ~before) == 0)
        return;
    detector_enter(d, RANK_OBJECTS);
    object_table_visit(&d->objects, watch_for_signals, NULL);
    detector_leave(d, RANK_OBJECTS);
}

void detector_set_handlers_installed(struct detector *d, enum signal_handlers handlers)
{
    relaxed_store(&d->handlers, (uint8_t)handlers);
}

enum signal_handlers detector_handlers_installed(const struct detector *d)
{
    return (enum signal_handlers)relaxed_load(&d->handlers);
}

/* ---- fork ------------------------------------------------------------------------------------------------------- */

/* The thread of this seat was left behind: what it holds in this process's memory will never be released. */
static void leave_behind(struct seat *seat)
{
    struct held_set *held = &seat->held;
    for (uint32_t i = 0; i < held_count(held); i++) {
        struct held_entry *entry = &held_entries(held)[i];
        struct object *o = relaxed_load(&entry->object);
        if (held_entry_is_current(entry) && !object_alert_any(o, OBJECT_ALERT_SHARED) && o->kind != OBJECT_ONCE)
            relaxed_store(&o->alert, relaxed_load(&o->alert) | OBJECT_ALERT_ORPHANED);
    }
    struct wait_record wait;
    if (seat_read_wait(seat, &wait) != 0 && (wait.kind == WAIT_COND || wait.kind == WAIT_BARRIER))
        relaxed_store(&wait.wanted->waiters, 0);
    seat_end_wait(seat);
    relaxed_store(&seat->state, THREAD_ENDED);
    seat->owner = NULL;
}

/* What the forking thread holds of process-shared locks is still held by the parent, and not by the child. */
static void leave_shared_to_parent(struct thread *t)
{
    struct held_set *held = &t->seat->held;
    for (uint32_t i = held_count(held); i-- > 0;) {
        struct held_entry *entry = &held_entries(held)[i];
        struct object *o = relaxed_load(&entry->object);
        if (!held_entry_is_current(entry) || !object_alert_any(o, OBJECT_ALERT_SHARED))
            continue;
        if (thread_owns(t, o))
            relaxed_store(&o->owner, 0);
        held_remove(held, entry);
    }
}

static void let_go(void *ctx, struct object *o)
{
    (void)ctx;
    if (relaxed_load(&o->busy) != 0)
        relaxed_store(&o->busy, 0); /* held by a thread that does not exist here */
}

void detector_fork_child(struct detector *d, struct thread *t)
{
    detector_enter(d, RANK_REGISTRY);
    for (uint32_t i = 0; i < relaxed_load(&d->registry.count); i++) {
        struct seat *seat = registry_seat(&d->registry, i);
        if (seat != t->seat && relaxed_load(&seat->thread) != 0)
            leave_behind(seat);
    }
    leave_shared_to_parent(t);
    d->registry.live = 1;
    detector_leave(d, RANK_REGISTRY);
    detector_enter(d, RANK_OBJECTS);
    object_table_visit(&d->objects, let_go, NULL);
    d->inherited_objects = d->objects.last_id;
    detector_leave(d, RANK_OBJECTS);
}
