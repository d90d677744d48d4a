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

/* The handler's taking is the one remembered last. */
static void begin_report(struct evidence *e, struct detector *d, struct object *o)
{
    atomic_fetch_or_explicit(&o->alert, OBJECT_ALERT_SIGNAL_SAID, memory_order_relaxed);
    evidence_begin(e, d, FINDING_SIGNAL_UNSAFE_LOCK, "the signal may arrive while the lock is held");
    object_enter(o);
    struct finding_party *handler = evidence_party(e, PARTY_ACTS, o->handler_thread, o->handler_stack);
    object_leave(o);
    evidence_object(handler, o, LOCK_EXCLUSIVE);
    handler->signal_number = relaxed_load(&o->handler_signal);
}

/* The handler has come when nobody holds the lock: it could have come when somebody did. */
static void look_at_earlier(struct detector *d, const struct thread *t, struct object *o)
{
    object_enter(o);
    bool was_open = (o->open_signals & SIGNAL_BIT(t->signal_number)) != 0;
    struct thread_id thread = o->open_thread;
    struct stack_id stack = o->open_stack;
    object_leave(o);
    if (!was_open || object_alert_any(o, OBJECT_ALERT_SIGNAL_SAID))
        return;
    struct evidence e;
    begin_report(&e, d, o);
    evidence_object(evidence_party(&e, PARTY_INTERRUPTED, thread, stack), o, LOCK_EXCLUSIVE);
    evidence_send(&e);
}

bool usage_signal_request(struct detector *d, struct thread *t, struct object *o, bool timed, struct stack_id at)
{
    if (may_be_taken_again(o))
        return false;
    remember_handler(t, o, at);
    const struct held_entry *entry = held_by_interrupted(t, o);
    bool both_read = entry != NULL && relaxed_load(&entry->mode) == LOCK_SHARED && o->kind == OBJECT_RWLOCK;
    if (entry == NULL || both_read) {
        look_at_earlier(d, t, o);
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

static uint64_t blocked_signals(const struct detector *d)
{
    return d->host->signals_blocked == NULL ? UINT64_MAX : d->host->signals_blocked(d->host->ctx);
}

void usage_signal_open(struct detector *d, struct thread *t, struct object *o, struct stack_id at)
{
    enum { MASKED_MOST = 64 }; /* then it is taken to be always so */
    uint64_t open = may_be_taken_again(o) ? 0 : relaxed_load(&d->signals) & ~blocked_signals(d);
    object_enter(o);
    bool is_known = open != 0 || may_be_taken_again(o) || ++o->masked_takings >= MASKED_MOST;
    if (open != 0) {
        o->open_signals = open;
        o->open_thread = t->id;
        o->open_stack = at;
    }
    object_leave(o);
    if (is_known)
        object_alert_not(o, OBJECT_ALERT_SIGNALS);
}

void usage_signal_outside(struct detector *d, struct thread *t, struct object *o, struct stack_id at)
{
    if (object_alert_any(o, OBJECT_ALERT_SIGNAL_SAID) ||
        (blocked_signals(d) & SIGNAL_BIT(relaxed_load(&o->handler_signal))) != 0)
        return;
    struct evidence e;
    begin_report(&e, d, o);
    struct finding_party *outside = evidence_party(&e, PARTY_INTERRUPTED, t->id, at);
    evidence_object(outside, o, LOCK_EXCLUSIVE);
    evidence_held(&e, outside, &t->seat->held);
    evidence_send(&e);
}
