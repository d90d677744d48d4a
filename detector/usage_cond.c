#include "detector/usage.h"

#include "detector/wait_for.h"

static bool holds(const struct thread *t, const struct object *m)
{
    const struct held_entry *entry = held_find(&t->seat->held, m);
    return thread_owns(t, m) || (entry != NULL && held_entry_is_current(entry));
}

static void report_two_mutexes(struct detector *d, struct thread *t, struct object *c, struct object *m,
                               struct stack_id at)
{
    struct evidence e;
    evidence_begin(&e, d, FINDING_COND_TWO_MUTEXES, "");
    (void)evidence_actor(&e, t, c, at);
    struct wait_record wait;
    uint32_t from = 0;
    const struct seat *other = wait_for_next_waiter(d, c, &wait, &from);
    if (other != NULL) {
        struct finding_party *party =
            evidence_party(&e, PARTY_WAITS, (struct thread_id){relaxed_load(&other->thread)}, wait.at);
        evidence_object(party, c, LOCK_EXCLUSIVE);
    }
    evidence_object(evidence_party(&e, PARTY_HOLDS, t->id, at), m, LOCK_EXCLUSIVE);
    evidence_send(&e);
}

void usage_cond_wait(struct detector *d, struct thread *t, struct object *c, struct object *m, struct stack_id at)
{
    if (!holds(t, m)) {
        struct evidence e;
        evidence_begin(&e, d, FINDING_COND_WAIT_UNLOCKED, "");
        (void)evidence_actor(&e, t, m, at);
        evidence_holder(&e, m);
        evidence_send(&e);
    }
    uint64_t word = relaxed_load(&c->waiters);
    bool has_sleepers = COND_WAITERS(word) > COND_PENDING(word);
    const struct object *partner = relaxed_load(&c->partner);
    if (has_sleepers && partner != NULL && partner != m)
        report_two_mutexes(d, t, c, m, at);
}

void usage_cond_signal(struct detector *d, struct thread *t, struct object *c, struct stack_id at)
{
    const struct object *m = relaxed_load(&c->partner);
    bool is_same = m != NULL && relaxed_load(&m->id) == relaxed_load(&c->partner_id);
    if (!finding_enabled(d, FINDING_COND_SIGNAL_UNLOCKED) || !is_same || holds(t, m))
        return;
    struct evidence e;
    evidence_begin(&e, d, FINDING_COND_SIGNAL_UNLOCKED, "");
    (void)evidence_actor(&e, t, c, at);
    evidence_send(&e);
}
