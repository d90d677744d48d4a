#include "detector/usage.h"

#include "detector/asleep.h"

bool usage_is_stuck(struct detector *d, const struct thread *t, const struct object *o)
{
    bool was_owned = thread_owns(t, o);
    /* In shared memory another process may unlock it. */
    return !object_alert_any(o, OBJECT_ALERT_SHARED) && asleep_all_for_ever(d, t) && thread_owns(t, o) == was_owned;
}

static void report_self_deadlock(struct detector *d, struct thread *t, struct object *o, enum lock_mode mode,
                                 struct stack_id at, bool hangs, const char *detail)
{
    struct evidence e;
    evidence_begin(&e, d, FINDING_DEADLOCK, detail);
    e.finding.form = DEADLOCK_SELF;
    struct finding_party *party = evidence_actor(&e, t, o, at);
    party->role = PARTY_WAITS;
    party->mode = mode;
    e.finding.certain_hang = hangs && usage_is_stuck(d, t, o);
    evidence_send(&e);
    t->hang_said = o;
    t->alert |= THREAD_ALERT_HANG_SAID;
}

/* The thread holds `o` exclusively and asks for it again. */
static void request_owned(struct detector *d, struct thread *t, struct object *o, enum lock_mode mode,
                          struct stack_id at)
{
    switch ((enum object_kind)o->kind) {
    case OBJECT_MUTEX:
        if (o->type == MUTEX_NORMAL || o->type == MUTEX_ADAPTIVE)
            report_self_deadlock(d, t, o, mode, at, true, "it locks a mutex that it holds already");
        break; /* recursive: allowed; errorcheck: refused with EDEADLK */
    case OBJECT_SPINLOCK:
        report_self_deadlock(d, t, o, mode, at, true, "it spins on a lock that it holds itself");
        break;
    case OBJECT_RWLOCK:
        report_self_deadlock(d, t, o, mode, at, false,
                             "it holds the lock for writing; the C library refuses with EDEADLK instead of hanging");
        break;
    default:
        break; /* a semaphore may be posted by another thread */
    }
}

static void request_orphaned(struct detector *d, struct thread *t, struct object *o, enum lock_mode mode, bool timed,
                             struct stack_id at)
{
    struct evidence e;
    evidence_begin(&e, d, FINDING_FORK_WITH_LOCKS_HELD, "nobody in this process can ever release it");
    struct finding_party *party = evidence_actor(&e, t, o, at);
    party->mode = mode;
    party->timed = timed;
    evidence_holder(&e, o);
    e.finding.certain_hang = !timed && asleep_all_for_ever(d, t);
    evidence_send(&e);
    if (timed)
        return; /* it gives up, having waited for nothing */
    t->hang_said = o;
    t->alert |= THREAD_ALERT_HANG_SAID;
}

void usage_lock_request(struct detector *d, struct thread *t, struct object *o, enum lock_mode mode, bool timed,
                        struct stack_id at)
{
    if (t->signal_depth > 0 && usage_signal_request(d, t, o, timed, at))
        return;
    if (object_alert_any(o, OBJECT_ALERT_ORPHANED))
        request_orphaned(d, t, o, mode, timed, at);
    else if (timed)
        return; /* it will return */
    else if (thread_owns(t, o))
        request_owned(d, t, o, mode, at);
    else if (o->kind == OBJECT_RWLOCK && mode == LOCK_EXCLUSIVE && held_find(&t->seat->held, o) != NULL)
        report_self_deadlock(d, t, o, mode, at, true, "it holds the lock for reading and wants to write: this hangs");
}

void usage_unlock_not_held(struct detector *d, struct thread *t, struct object *o, struct stack_id at)
{
    uint64_t owner = relaxed_load(&o->owner);
    if (object_alert_any(o, OBJECT_ALERT_SHARED | OBJECT_ALERT_UNSOUND) && owner == 0)
        return; /* another process may have locked it, or nobody could, which follows from what was said already */
    enum finding_kind kind = owner == 0 ? FINDING_UNLOCK_NOT_LOCKED : FINDING_UNLOCK_NOT_OWNED;
    const char *detail = "";
    if (o->kind == OBJECT_RWLOCK) {
        kind = FINDING_RWLOCK_UNLOCK_NOT_HELD;
        detail = owner == 0 ? "" : "another thread holds it for writing";
    } else if (owner != 0 && OWNER_THREAD(owner) == t->id.v) {
        return; /* held, but there was no memory to say so */
    }
    struct evidence e;
    evidence_begin(&e, d, kind, detail);
    (void)evidence_actor(&e, t, o, at);
    evidence_holder(&e, o);
    evidence_send(&e);
}

void usage_unlock_inconsistent(struct detector *d, struct thread *t, struct object *o, struct stack_id at)
{
    struct evidence e;
    evidence_begin(&e, d, FINDING_ROBUST_INCONSISTENT, "nobody can ever lock it again");
    (void)evidence_actor(&e, t, o, at);
    evidence_send(&e);
}

void usage_held_too_long(struct detector *d, struct thread *t, struct object *o, const struct held_entry *entry,
                         struct stack_id at)
{
    uint64_t ms = (d->host->now_ns(d->host->ctx) - entry->since_ns) / 1000000;
    if (ms < d->options.lock_held_threshold_ms)
        return;
    struct evidence e;
    evidence_begin(&e, d, FINDING_LOCK_HELD_TOO_LONG, "milliseconds");
    e.finding.number = ms;
    struct finding_party *party = evidence_actor(&e, t, o, at);
    party->mode = (enum lock_mode)relaxed_load(&entry->mode);
    struct finding_party *taken = evidence_party(&e, PARTY_HOLDS, t->id, (struct stack_id){relaxed_load(&entry->at)});
    evidence_object(taken, o, (enum lock_mode)relaxed_load(&entry->mode));
    evidence_send(&e);
}

void usage_blocking_call(struct detector *d, struct thread *t, const char *what, struct stack_id at)
{
    struct held_set *held = &t->seat->held;
    (void)held_drop_stale(held);
    for (uint32_t i = held_count(held); i-- > 0;) {
        struct object *innermost = relaxed_load(&held_entries(held)[i].object);
        if (relaxed_load(&innermost->units) == 0) {
            struct evidence e;
            evidence_begin(&e, d, FINDING_BLOCKING_CALL_WITH_LOCK_HELD, what);
            (void)evidence_actor(&e, t, innermost, at);
            evidence_send(&e);
            return;
        }
    }
}
