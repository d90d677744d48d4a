#include "detector/detector.h"
#include "detector/usage.h"

static struct object_ref thread_reference(struct thread_id id, struct stack_id created_at)
{
    return (struct object_ref){
        .id = {THREAD_OBJECT_ID(id.v)}, .kind = OBJECT_THREAD, .init_thread = id, .init_stack = created_at};
}

/* What went before: a join, a detach, or a join that goes on.  PARTY_ACTS: nothing that would tell more. */
struct before {
    enum party_role role;
    struct thread_id by;
    struct stack_id at;
};

static void report(struct detector *d, struct thread *t, enum finding_kind kind, struct object_ref target,
                   const struct before *before, const char *detail, struct stack_id at)
{
    struct evidence e;
    evidence_begin(&e, d, kind, detail);
    struct finding_party *party = evidence_actor(&e, t, NULL, at);
    party->has_object = true;
    party->object = target;
    if (before->role != PARTY_ACTS && before->by.v != 0) {
        party = evidence_party(&e, before->role, before->by, before->at);
        party->has_object = true;
        party->object = target;
    }
    evidence_send(&e);
}

static struct before before_of(const struct thread_past *past, bool is_joining)
{
    return (struct before){is_joining         ? PARTY_WAITS
                           : past->was_joined ? PARTY_JOINED
                                              : PARTY_DETACHED,
                           past->by, past->at};
}

bool usage_join(struct detector *d, struct thread *t, struct thread *target, struct stack_id at)
{
    struct object_ref object = thread_reference(target->id, target->created_at);
    const struct thread_past past = thread_past(target);
    uint32_t joiner = relaxed_load(&target->joiner);
    bool is_joining = !target->detached && !target->joined;
    struct before before = before_of(&past, is_joining);
    if (target == t) {
        before.role = PARTY_ACTS;
        report(d, t, FINDING_JOIN_SELF, object, &before, "", at);
        return true;
    }
    if (target->detached) {
        report(d, t, FINDING_DOUBLE_JOIN, object, &before, "the thread is detached", at);
        return true;
    }
    if (target->joined || (joiner != 0 && joiner != t->id.v)) {
        report(d, t, FINDING_DOUBLE_JOIN, object, &before, target->joined ? "" : "another thread is joining it", at);
        return true;
    }
    return false;
}

void usage_detach(struct detector *d, struct thread *t, struct thread *target, struct stack_id at)
{
    if (target->detached || target->joined) {
        const struct thread_past past = thread_past(target);
        const struct before before = before_of(&past, false);
        report(d, t, FINDING_DOUBLE_DETACH, thread_reference(target->id, target->created_at), &before,
               target->joined ? "it was joined before" : "", at);
    }
}

void usage_stale_thread(struct detector *d, struct thread *t, enum finding_kind kind, const struct thread_past *gone,
                        struct stack_id at)
{
    const struct before before = before_of(gone, false);
    const char *detail = kind == FINDING_DOUBLE_JOIN ? (gone->was_joined ? "" : "the thread was detached")
                         : gone->was_joined          ? "it was joined before"
                                                     : "";
    report(d, t, kind, thread_reference(gone->id, (struct stack_id){0}), &before, detail, at);
}

void usage_thread_end(struct detector *d, struct thread *t, struct stack_id at)
{
    struct held_set *held = &t->seat->held;
    (void)held_drop_stale(held);
    for (uint32_t i = 0; i < held_count(held); i++) {
        struct object *o = relaxed_load(&held_entries(held)[i].object);
        bool is_robust = object_alert_any(o, OBJECT_ALERT_ROBUST);
        if (!object_kind_is_lock(o->kind) || is_robust)
            continue; /* a semaphore may be posted by others; a robust mutex tells its next owner */
        struct evidence e;
        evidence_begin(&e, d, FINDING_LOCK_HELD_AT_THREAD_EXIT, "");
        (void)evidence_actor(&e, t, o, at);
        struct stack_id taken = {relaxed_load(&held_entries(held)[i].at)};
        enum lock_mode mode = (enum lock_mode)relaxed_load(&held_entries(held)[i].mode);
        evidence_object(evidence_party(&e, PARTY_HOLDS, t->id, taken), o, mode);
        evidence_send(&e);
    }
}

void usage_thread_leak(struct detector *d, struct thread_id leaked, struct stack_id created_at)
{
    struct evidence e;
    evidence_begin(&e, d, FINDING_THREAD_LEAK, "");
    struct finding_party *party = evidence_party(&e, PARTY_ACTS, leaked, created_at);
    party->has_object = true;
    party->object = thread_reference(leaked, created_at);
    evidence_send(&e);
}
