#include "detector/usage.h"

#include "detector/wait_for.h"

bool usage_object_is_held(const struct detector *d, const struct object *o)
{
    uint32_t from = 0;
    if (!object_kind_is_lock(o->kind))
        return false; /* a semaphore has no owner whose right it would be to release it */
    if (o->kind == OBJECT_RWLOCK && relaxed_load(&o->owner) == 0)
        return wait_for_next_holder(d, o, &from) != NULL;
    return wait_for_owner_seat(d, relaxed_load(&o->owner)) != NULL;
}

static const char *end_detail(enum object_end what)
{
    switch (what) {
    case END_DESTROY:
        return "destroyed";
    case END_FREE:
        return "its memory was freed";
    default:
        return "initialised again";
    }
}

static void add_holders(struct evidence *e, struct detector *d, struct object *o)
{
    if (relaxed_load(&o->owner) != 0) {
        evidence_holder(e, o);
        return;
    }
    uint32_t from = 0;
    struct seat *seat = wait_for_next_holder(d, o, &from);
    if (seat != NULL) {
        const struct held_entry *entry = held_find(&seat->held, o);
        struct stack_id taken = {entry == NULL ? 0 : relaxed_load(&entry->at)};
        struct thread_id thread = {relaxed_load(&seat->thread)};
        evidence_object(evidence_party(e, PARTY_HOLDS, thread, taken), o, LOCK_SHARED);
    }
}

static void report_end(struct detector *d, struct thread *t, struct object *o, enum finding_kind kind,
                       const char *detail, const struct seat *waiter, const struct wait_record *wait,
                       struct stack_id at)
{
    struct evidence e;
    evidence_begin(&e, d, kind, detail);
    (void)evidence_actor(&e, t, o, at);
    if (kind == FINDING_DESTROY_LOCKED)
        add_holders(&e, d, o);
    if (waiter != NULL)
        wait_for_add_party(&e, waiter, wait);
    evidence_send(&e);
}

static enum finding_kind waiters_kind(const struct object *o)
{
    switch ((enum object_kind)o->kind) {
    case OBJECT_BARRIER:
        return FINDING_BARRIER_MISUSE;
    case OBJECT_SEMAPHORE:
        return FINDING_SEM_DESTROY_WITH_WAITERS;
    default:
        return FINDING_DESTROY_WITH_WAITERS;
    }
}

/* Returns: how many threads `o` may still release without any further call. */
static uint64_t ways_out(const struct object *o)
{
    if (o->kind == OBJECT_SEMAPHORE) {
        int64_t value = relaxed_load(&o->value);
        return value > 0 ? (uint64_t)value : 0;
    }
    return o->kind == OBJECT_COND ? COND_PENDING(relaxed_load(&o->waiters)) : 0;
}

/* Returns: true when more threads wait on `o` than are already on their way out; `*seat` is one of them. */
static bool has_waiters(struct detector *d, struct object *o, struct seat **seat, struct wait_record *wait)
{
    uint64_t leaving = ways_out(o);
    uint32_t from = 0;
    *seat = wait_for_next_waiter(d, o, wait, &from);
    if (o->kind == OBJECT_BARRIER)
        return relaxed_load(&o->waiters) > 0;
    struct wait_record other;
    for (struct seat *next = *seat; next != NULL; next = wait_for_next_waiter(d, o, &other, &from)) {
        if (leaving == 0)
            return true;
        leaving--;
    }
    return false;
}

bool usage_object_end(struct detector *d, struct thread *t, struct object *o, enum object_end what, struct stack_id at)
{
    if (o->kind == OBJECT_ONCE || o->kind == OBJECT_FUTEX || object_alert_any(o, OBJECT_ALERT_ORPHANED))
        return false;
    struct seat *waiter;
    struct wait_record wait;
    /* POSIX: undefined with threads blocked on it.  Those that leave are waited for (glibc bug 13065), but not by another end. */
    bool ends_well = what == END_DESTROY && o->kind == OBJECT_BARRIER && detector_barrier_is_being_left(o);
    bool is_waited_for = has_waiters(d, o, &waiter, &wait) && !ends_well;
    if (usage_object_is_held(d, o)) {
        report_end(d, t, o, FINDING_DESTROY_LOCKED, end_detail(what), is_waited_for ? waiter : NULL, &wait, at);
        return true;
    }
    if (is_waited_for)
        report_end(d, t, o, waiters_kind(o), end_detail(what), waiter, &wait, at);
    return is_waited_for;
}

bool object_is_in_use(struct detector *d, struct object *o)
{
    struct seat *waiter;
    struct wait_record wait;
    return usage_object_is_held(d, o) || has_waiters(d, o, &waiter, &wait);
}

static void report_with_past(struct detector *d, struct thread *t, struct object *o, enum finding_kind kind,
                             enum party_role past, struct thread_id who, struct stack_id where, struct stack_id at)
{
    struct evidence e;
    evidence_begin(&e, d, kind, "");
    (void)evidence_actor(&e, t, o, at);
    if (who.v != 0 || where.v != 0)
        evidence_object(evidence_party(&e, past, who, where), o, LOCK_EXCLUSIVE);
    evidence_send(&e);
}

void usage_double_init(struct detector *d, struct thread *t, struct object *o, struct stack_id at)
{
    report_with_past(d, t, o, FINDING_DOUBLE_INIT, PARTY_INITIALISED, o->init_thread, o->init_stack, at);
}

void usage_after_destroy(struct detector *d, struct thread *t, struct object *o, struct stack_id at)
{
    report_with_past(d, t, o, FINDING_USE_AFTER_DESTROY, PARTY_DESTROYED, o->end_thread, o->end_stack, at);
}

void usage_uninitialized(struct detector *d, struct thread *t, struct object *o, struct stack_id at)
{
    report_with_past(d, t, o, FINDING_USE_UNINITIALIZED, PARTY_INITIALISED, (struct thread_id){0}, (struct stack_id){0},
                     at);
}

void usage_invalid(struct detector *d, struct thread *t, struct object *o, struct stack_id at)
{
    report_with_past(d, t, o, FINDING_INVALID_OBJECT, PARTY_INITIALISED, o->init_thread, o->init_stack, at);
}

void usage_sem_overflow(struct detector *d, struct thread *t, struct object *s, struct stack_id at)
{
    report_with_past(d, t, s, FINDING_SEM_OVERFLOW, PARTY_INITIALISED, s->init_thread, s->init_stack, at);
}
