#include "detector/commons_rest.h"

#include <stdatomic.h>

#include "detector/commons_block.h"
#include "detector/object.h"

/* ---- telling ---------------------------------------------------------------------------------------------------- */

static bool is_number(uint32_t process)
{
    return process >= 1 && process <= COMMONS_PROCESSES;
}

static struct party_slot *find_place(struct commons *c)
{
    uint32_t count = commons_count(&c->rest_count, COMMONS_AT_REST);
    for (uint32_t i = 0; i < count; i++)
        if (relaxed_load(&c->at_rest[i].is_set) == 0)
            return &c->at_rest[i];
    if (count == COMMONS_AT_REST) {
        commons_note_lost(c);
        return NULL;
    }
    relaxed_store(&c->rest_count, count + 1);
    return &c->at_rest[count];
}

/* What it said the last time it rested, and what those said that are gone, makes room. */
static void drop_parties(struct commons *c, uint32_t process)
{
    uint32_t count = commons_count(&c->rest_count, COMMONS_AT_REST);
    for (uint32_t i = 0; i < count; i++) {
        struct party_slot *slot = &c->at_rest[i];
        uint32_t of = slot->record.process;
        if (of == process || !is_number(of) || relaxed_load(&c->processes[of - 1].gone_ns) != 0)
            relaxed_store(&slot->is_set, 0);
    }
}

uint32_t commons_rests(struct commons *c, uint32_t process, uint32_t traits)
{
    uint32_t serial = relaxed_load(&c->rest_serial) + 1;
    if (!is_number(process))
        return 0;
    relaxed_store(&c->rest_serial, serial);
    drop_parties(c, process);
    relaxed_store(&c->processes[process - 1].traits, traits);
    /* two more: another rest than the one before */
    relaxed_store(&c->processes[process - 1].rest, (relaxed_load(&c->processes[process - 1].rest) + 2) | 1);
    return serial;
}

bool commons_rest_is_latest(const struct commons *c, uint32_t number)
{
    return relaxed_load(&c->rest_serial) == number;
}

void commons_conceived(struct commons *c)
{
    atomic_fetch_add(&c->unborn, 1); /* seq_cst: before whatever the parent does next, with the child */
}

void commons_born(struct commons *c)
{
    uint32_t unborn = relaxed_load(&c->unborn);
    /* release: it has joined; partner: commons_all_rest() */
    while (unborn > 0 && !atomic_compare_exchange_weak_explicit(&c->unborn, &unborn, unborn - 1, memory_order_release,
                                                                memory_order_relaxed))
        ;
}

void commons_rests_party(struct commons *c, const struct commons_party *party)
{
    struct party_slot *place = find_place(c);
    if (place != NULL)
        commons_set_party(place, party, 0);
    else if (is_number(party->process))
        commons_stirs(c, party->process); /* what cannot be told of in full is not taken for rest */
}

void commons_stirs(struct commons *c, uint32_t process)
{
    if (is_number(process)) {
        /* release: before what the woken thread does; partner: under the block's lock */
        atomic_fetch_and_explicit(&c->processes[process - 1].rest, ~UINT32_C(1), memory_order_release);
        relaxed_store(&c->processes[process - 1].is_told, 0);
    }
}

void commons_rest_told(struct commons *c, const struct commons_rest *rest)
{
    for (uint32_t i = 0; i < rest->count; i++)
        relaxed_store(&c->processes[rest->members[i].process - 1].is_told, 1);
}

/* ---- who lives -------------------------------------------------------------------------------------------------- */

/* Returns: false when process `number` lives and does not rest, or cannot be taken in. */
static bool take_in(struct commons *c, uint32_t number, const struct commons_host *host, struct commons_rest *rest)
{
    struct process_slot *slot = &c->processes[number - 1];
    struct commons_process process;
    /* Who lives where these pids mean others seems to be gone. */
    if (!commons_get_process(c, number, &process) || process.space != c->processes[0].record.space)
        return false;
    if (relaxed_load(&slot->gone_ns) != 0)
        return true;
    /* acquire; partner: commons_stirs() */
    uint32_t state = atomic_load_explicit(&slot->rest, memory_order_acquire);
    if (host->is_gone(host->ctx, process.pid) ||
        host->life(host->ctx, process.pid, process.start_time) != COMMONS_LIVES)
        return true;
    if ((state & 1) == 0 || relaxed_load(&slot->is_told) != 0 || rest->count == COMMONS_REST_MEMBERS)
        return false;
    rest->members[rest->count++] = (struct commons_rest_member){.process = number,
                                                                .rest = state,
                                                                .traits = relaxed_load(&slot->traits),
                                                                .pid = process.pid,
                                                                .start_time = process.start_time};
    return true;
}

bool commons_someone_is_up(struct commons *c, const struct commons_host *host)
{
    for (uint32_t i = commons_count(&c->process_count, COMMONS_PROCESSES); i > 0; i--) {
        const struct process_slot *slot = &c->processes[i - 1];
        int64_t pid = slot->record.pid;
        bool is_up = relaxed_load(&slot->gone_ns) == 0 && (relaxed_load(&slot->rest) & 1) == 0;
        if (is_up && !host->is_gone(host->ctx, pid) &&
            host->life(host->ctx, pid, slot->record.start_time) == COMMONS_LIVES)
            return true;
    }
    return false;
}

static struct commons_rest_member *find_member(struct commons_rest *rest, uint32_t process)
{
    for (uint32_t i = 0; i < rest->count; i++)
        if (rest->members[i].process == process)
            return &rest->members[i];
    return NULL;
}

bool commons_rest_visit(struct commons *c, const struct commons_rest *rest,
                        bool (*visit)(void *ctx, const struct commons_party *party), void *ctx)
{
    uint32_t count = commons_count(&c->rest_count, COMMONS_AT_REST);
    for (uint32_t i = 0; i < count; i++) {
        struct commons_party party;
        bool is_one = relaxed_load(&c->at_rest[i].is_set) != 0 && commons_copy_party(c, &party, &c->at_rest[i]) &&
                      find_member((struct commons_rest *)(uintptr_t)rest, party.process) != NULL;
        if (is_one && !visit(ctx, &party))
            return false;
    }
    return true;
}

/* ---- what they wait for ----------------------------------------------------------------------------------------- */

struct question {
    struct commons *c;
    struct commons_rest *rest;
    const struct commons_lock *wanted;
};

/* What a process held that an alarm has ended may be free again. */
static bool does_not_hold(void *ctx, const struct commons_party *party)
{
    const struct question *q = ctx;
    const struct commons_rest_member *member = find_member(q->rest, party->process);
    bool is_alarmed = member == NULL || (member->traits & COMMONS_REST_ALARMED) != 0;
    return is_alarmed || !commons_party_holds(q->c, party, q->wanted);
}

static bool is_held_at_rest(const struct question *q)
{
    struct question copy = *q;
    return !commons_rest_visit(q->c, q->rest, does_not_hold, &copy);
}

static bool ends_never(const struct question *q)
{
    for (uint32_t i = 0; i < q->rest->count; i++) {
        const struct commons_rest_member *m = &q->rest->members[i];
        struct commons_lock end = commons_end_of(m->pid, m->start_time);
        if (end.identity == q->wanted->identity && end.generation == q->wanted->generation)
            return (m->traits & COMMONS_REST_ALARMED) == 0;
    }
    return false;
}

static bool object_rests(const struct question *q, const struct commons_party *party)
{
    struct commons_identity identity;
    uint32_t number = q->wanted->identity;
    if (!commons_get_identity(q->c, number, &identity) || !commons_is_current(q->c, q->wanted))
        return false;
    const struct identity_slot *slot = &q->c->identities[number - 1];
    switch (identity.key.kind) {
    case OBJECT_MUTEX:
    case OBJECT_RWLOCK:
    case OBJECT_SPINLOCK:
        return is_held_at_rest(q);
    case OBJECT_COND:
        return COND_PENDING(relaxed_load(&slot->waiters)) == 0;
    case OBJECT_BARRIER:
        return party->measure != 0 && relaxed_load(&slot->arrivals) % party->measure != 0;
    default:
        return false;
    }
}

/* A semaphore is waited for by its value, whether it is a lock or not. */
static bool is_unposted_semaphore(const struct question *q, const struct commons_party *party)
{
    struct commons_identity identity;
    const struct commons_lock *wanted = q->wanted;
    return commons_get_identity(q->c, wanted->identity, &identity) && identity.key.kind == OBJECT_SEMAPHORE &&
           wanted->generation == commons_generation(q->c, wanted->identity) &&
           (commons_semaphore_posts(q->c, wanted->identity) == party->measure || is_held_at_rest(q));
}

static bool rests_on(void *ctx, const struct commons_party *party)
{
    const struct question *asked = ctx, question = {asked->c, asked->rest, &party->wanted}, *q = &question;
    uint32_t wanted = party->wanted.identity;
    struct commons_rest_member *member = find_member(q->rest, party->process);
    if (member == NULL)
        return false;
    member->threads = party->threads;
    if (wanted == COMMONS_WITHIN || wanted == COMMONS_ANY_END)
        return true;
    return commons_is_end(wanted) ? ends_never(q) : is_unposted_semaphore(q, party) || object_rests(q, party);
}

bool commons_all_rest(struct commons *c, const struct commons_host *host, struct commons_rest *rest)
{
    uint32_t count = commons_count(&c->process_count, COMMONS_PROCESSES);
    rest->count = 0;
    if (atomic_load_explicit(&c->unborn, memory_order_acquire) != 0) /* partner: commons_born() */
        return false;
    for (uint32_t i = count; i > 0; i--)
        if (!take_in(c, i, host, rest))
            return false;
    struct question question = {.c = c, .rest = rest};
    return rest->count > 0 && commons_rest_visit(c, rest, rests_on, &question);
}
