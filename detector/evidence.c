#include "detector/evidence.h"

#include <string.h>

struct evidence_memory {
    struct evidence_memory *next;
    size_t bytes;
    _Alignas(64) char data[];
};

static void *evidence_alloc(struct evidence *e, size_t bytes)
{
    struct evidence_memory *memory = e->d->host->alloc(e->d->host->ctx, sizeof *memory + bytes);
    if (memory == NULL)
        return NULL;
    memory->next = e->memory;
    memory->bytes = sizeof *memory + bytes;
    e->memory = memory;
    return memory->data;
}

void evidence_begin(struct evidence *e, struct detector *d, enum finding_kind kind, const char *detail)
{
    memset(e, 0, sizeof *e);
    e->d = d;
    e->finding.kind = kind;
    e->finding.severity = finding_severity(kind);
    e->finding.detail = detail;
    e->parties = e->first;
    e->capacity = EVIDENCE_PARTIES;
}

static bool evidence_grow(struct evidence *e)
{
    struct finding_party *parties = evidence_alloc(e, 2 * e->capacity * sizeof *parties);
    if (parties == NULL)
        return false;
    memcpy(parties, e->parties, e->finding.party_count * sizeof *parties);
    e->parties = parties;
    e->capacity *= 2;
    return true;
}

struct finding_party *evidence_party(struct evidence *e, enum party_role role, struct thread_id thread,
                                     struct stack_id stack)
{
    struct finding_party *party = &e->nowhere;
    if (e->finding.party_count < e->capacity || evidence_grow(e))
        party = &e->parties[e->finding.party_count++];
    *party = (struct finding_party){.role = role, .thread = thread, .stack = stack};
    return party;
}

void evidence_object(struct finding_party *party, const struct object *o, enum lock_mode mode)
{
    party->has_object = true;
    party->object = object_reference(o);
    party->mode = mode;
}

void evidence_held(struct evidence *e, struct finding_party *party, const struct held_set *held)
{
    size_t count = held_copy(held, false, NULL, 0);
    struct held_lock *copy = count == 0 ? NULL : evidence_alloc(e, count * sizeof *copy);
    if (copy != NULL) {
        size_t now = held_copy(held, false, copy, count); /* a running thread may have changed it */
        party->held = copy;
        party->held_count = now < count ? now : count;
    }
}

struct finding_party *evidence_actor(struct evidence *e, struct thread *t, const struct object *o, struct stack_id at)
{
    struct finding_party *party = evidence_party(e, PARTY_ACTS, t->id, at);
    if (o != NULL)
        evidence_object(party, o, LOCK_EXCLUSIVE);
    party->signal_number = t->signal_depth > 0 ? t->signal_number : 0;
    evidence_held(e, party, &t->seat->held);
    return party;
}

/* Returns: the stack of the acquisition that `seat` holds `o` by, or 0. */
static struct stack_id holder_stack(const struct seat *seat, const struct object *o)
{
    const struct held_entry *entry = held_find(&seat->held, o);
    return (struct stack_id){entry == NULL ? 0 : relaxed_load(&entry->at)};
}

void evidence_holder(struct evidence *e, const struct object *o)
{
    uint64_t owner = relaxed_load(&o->owner);
    if (owner == 0)
        return;
    const struct seat *seat = registry_seat(&e->d->registry, OWNER_SEAT(owner));
    bool is_alive = relaxed_load(&seat->thread) == OWNER_THREAD(owner);
    struct stack_id stack = is_alive ? holder_stack(seat, o) : (struct stack_id){0};
    struct finding_party *party = evidence_party(e, PARTY_HOLDS, (struct thread_id){OWNER_THREAD(owner)}, stack);
    evidence_object(party, o, LOCK_EXCLUSIVE);
}

/* ---- said once -------------------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return chain_next(hash, (uint32_t)value, LOCK_EXCLUSIVE);
}

static uint64_t finding_hash(const struct finding *finding)
{
    uint64_t hash = mix(CHAIN_EMPTY, (uint64_t)finding->kind);
    hash = mix(hash, (uint64_t)finding->form);
    for (size_t i = 0; i < finding->party_count; i++) {
        const struct finding_party *party = &finding->parties[i];
        hash = mix(hash, (uint64_t)party->role);
        hash = mix(hash, party->stack.v);
        hash = mix(hash, party->has_object ? (uint64_t)party->object.kind + 1 : 0);
    }
    return hash | 1; /* 0 marks an empty place */
}

static bool said_set_put(struct said_set *set, uint64_t hash)
{
    size_t i = (size_t)(hash >> 8) & (set->capacity - 1);
    while (set->hash[i] != 0) {
        if (set->hash[i] == hash)
            return false;
        i = (i + 1) & (set->capacity - 1);
    }
    set->hash[i] = hash;
    set->count++;
    return true;
}

static bool said_set_grow(struct detector *d)
{
    struct said_set bigger = {.capacity = d->said.capacity == 0 ? 64 : d->said.capacity * 2};
    bigger.hash = d->host->alloc(d->host->ctx, bigger.capacity * sizeof bigger.hash[0]);
    if (bigger.hash == NULL)
        return false;
    for (size_t i = 0; i < d->said.capacity; i++)
        if (d->said.hash[i] != 0)
            (void)said_set_put(&bigger, d->said.hash[i]);
    said_set_delete(d);
    d->said = bigger;
    return true;
}

void said_set_delete(struct detector *d)
{
    if (d->said.hash != NULL)
        d->host->free(d->host->ctx, d->said.hash, d->said.capacity * sizeof d->said.hash[0]);
    d->said = (struct said_set){0};
}

/* Whether a cycle or a race is to be told is known to who found it.  Returns: true the first time. */
static bool is_new(struct detector *d, const struct finding *finding)
{
    if (finding->kind == FINDING_DEADLOCK || finding->kind == FINDING_LOCK_ORDER_INVERSION ||
        finding->kind == FINDING_DATA_RACE)
        return true;
    detector_enter(d, RANK_REGISTRY);
    bool has_room = d->said.count * 2 < d->said.capacity || said_set_grow(d);
    bool news = !has_room || said_set_put(&d->said, finding_hash(finding));
    detector_leave(d, RANK_REGISTRY);
    return news;
}

void evidence_send(struct evidence *e)
{
    struct detector *d = e->d;
    e->finding.parties = e->parties;
    if (finding_enabled(d, e->finding.kind)) {
        if (is_new(d, &e->finding)) {
            atomic_fetch_add_explicit(&d->findings[e->finding.kind], 1, memory_order_relaxed); /* a statistic */
            d->host->report(d->host->ctx, &e->finding);
        } else {
            atomic_fetch_add_explicit(&d->repeats, 1, memory_order_relaxed); /* a statistic */
        }
    }
    evidence_discard(e);
}

void evidence_discard(struct evidence *e)
{
    while (e->memory != NULL) {
        struct evidence_memory *next = e->memory->next;
        e->d->host->free(e->d->host->ctx, e->memory, e->memory->bytes);
        e->memory = next;
    }
}

void evidence_copy(struct evidence *e, struct detector *d, const struct finding *finding)
{
    evidence_begin(e, d, finding->kind, finding->detail);
    e->finding = *finding;
    e->finding.party_count = 0;
    for (size_t i = 0; i < finding->party_count; i++) {
        const struct finding_party *from = &finding->parties[i];
        struct finding_party *to = evidence_party(e, from->role, from->thread, from->stack);
        *to = *from;
        to->held = NULL;
        to->held_count = 0;
        struct held_lock *held = from->held_count == 0 ? NULL : evidence_alloc(e, from->held_count * sizeof *held);
        if (held != NULL) {
            memcpy(held, from->held, from->held_count * sizeof *held);
            to->held = held;
            to->held_count = from->held_count;
        }
    }
}
