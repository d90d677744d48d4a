#include "detector/usage.h"

/* Returns: the entry by which the code that the running handler interrupted holds `o`, or NULL. */
static const struct held_entry *held_by_interrupted(const struct thread *t, const struct object *o)
{
    const struct held_entry *entry = held_find(&t->seat->held, o);
    bool is_below = entry != NULL && entry->signal_depth < t->signal_depth;
    return is_below && held_entry_is_current(entry) ? entry : NULL;
}

static bool may_be_taken_again(const struct object *o)
{
    return o->kind == OBJECT_MUTEX && (o->type == MUTEX_RECURSIVE || o->type == MUTEX_ERRORCHECK);
}

/* Leaves word for those who take the lock outside handlers. */
static void remember_handler(struct thread *t, struct object *o, struct stack_id at)
{
    object_enter(o);
    o->handler_thread = t->id;
    o->handler_stack = at;
    relaxed_store(&o->handler_signal, t->signal_number);
    object_leave(o);
    atomic_fetch_or_explicit(&o->alert, OBJECT_ALERT_IN_HANDLER, memory_order_relaxed); /* others see it soon enough */
}

bool usage_signal_request(struct detector *d, struct thread *t, struct object *o, bool timed, struct stack_id at)
{
    if (may_be_taken_again(o)) {
        return false;
    }
    remember_handler(t, o, at);
    const struct held_entry *entry = held_by_interrupted(t, o);
    bool both_read = entry != NULL && relaxed_load(&entry->mode) == LOCK_SHARED && o->kind == OBJECT_RWLOCK;
    if (entry == NULL || both_read) {
        return false;
    }
    struct evidence e;
    evidence_begin(&e, d, FINDING_SIGNAL_UNSAFE_LOCK,
                   timed ? "the interrupted code holds it" : "the interrupted code holds it: this hangs now");
    (void)evidence_actor(&e, t, o, at);
    struct stack_id taken = {relaxed_load(&entry->at)};
    evidence_object(evidence_party(&e, PARTY_INTERRUPTED, t->id, taken), o, LOCK_EXCLUSIVE);
    e.finding.certain_hang = !timed && usage_is_stuck(d, t, o);
    evidence_send(&e);
    atomic_fetch_or_explicit(&o->alert, OBJECT_ALERT_SIGNAL_SAID, memory_order_relaxed);
    if (!timed) {
        t->hang_said = o;
        t->alert |= THREAD_ALERT_HANG_SAID;
    }
    return true;
}

void usage_signal_outside(struct detector *d, struct thread *t, struct object *o, struct stack_id at)
{
    int32_t signal_number = relaxed_load(&o->handler_signal);
    if (object_alert_any(o, OBJECT_ALERT_SIGNAL_SAID) || d->host->signal_blocked == NULL ||
        d->host->signal_blocked(d->host->ctx, signal_number)) {
        return;
    }
    atomic_fetch_or_explicit(&o->alert, OBJECT_ALERT_SIGNAL_SAID, memory_order_relaxed);
    struct evidence e;
    evidence_begin(&e, d, FINDING_SIGNAL_UNSAFE_LOCK, "the signal may arrive while the lock is held");
    object_enter(o);
    struct finding_party *handler = evidence_party(&e, PARTY_ACTS, o->handler_thread, o->handler_stack);
    object_leave(o);
    evidence_object(handler, o, LOCK_EXCLUSIVE);
    handler->signal_number = signal_number;
    struct finding_party *outside = evidence_party(&e, PARTY_INTERRUPTED, t->id, at);
    evidence_object(outside, o, LOCK_EXCLUSIVE);
    evidence_held(&e, outside, &t->seat->held);
    evidence_send(&e);
}
