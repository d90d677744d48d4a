#include "detector/race_set.h"

enum { NARROW_SHIFT = 6 /* less room, by so many bits, where windows are small: address space is short */ };

struct race_sets {
    _Atomic uint32_t lock;
    uint32_t used;              /* units of the arena */
    uint32_t count;             /* names in the index */
    uint32_t units, index_size; /* room for */
    uint32_t *index;
    uint8_t *arena;
};

/* As many units as there are names. */
static uint32_t units_of(const struct race_engine *engine)
{
    return UINT32_C(1) << (engine->window == UINT32_MAX ? RACE_SET_BITS : RACE_SET_BITS - NARROW_SHIFT);
}

static uint32_t index_size_of(const struct race_engine *engine)
{
    return units_of(engine) / RACE_SET_UNIT;
}

bool race_sets_init(struct race_engine *engine)
{
    const struct race_host *host = &engine->host;
    size_t bytes = sizeof(struct race_sets) + index_size_of(engine) * sizeof(uint32_t);
    struct race_sets *sets = host->reserve(host->ctx, bytes);
    if (sets == NULL)
        return false;
    sets->index = (void *)(sets + 1);
    sets->used = 1; /* the empty set */
    sets->units = units_of(engine);
    sets->index_size = index_size_of(engine);
    sets->arena = host->reserve(host->ctx, (size_t)sets->units * RACE_SET_UNIT);
    engine->sets = sets;
    engine->set_arena = sets->arena;
    return sets->arena != NULL;
}

void race_sets_delete(struct race_engine *engine)
{
    const struct race_host *host = &engine->host;
    struct race_sets *sets = engine->sets;
    if (sets == NULL)
        return;
    if (sets->arena != NULL)
        host->release(host->ctx, sets->arena, (size_t)sets->units * RACE_SET_UNIT);
    host->release(host->ctx, sets, sizeof(struct race_sets) + sets->index_size * sizeof(uint32_t));
}

static uint32_t mix(uint32_t number)
{
    uint32_t x = number * UINT32_C(0x9e3779b9);
    x = (x ^ (x >> 15)) * UINT32_C(0x85ebca6b);
    return x ^ (x >> 13);
}

/* Copies `from` to `to` without the member of that number, and with `member` (0: none) in its place. */
static void build(struct race_set *to, const struct race_set *from, uint32_t number, uint32_t member)
{
    uint16_t count = 0;
    uint32_t hash = 0;
    for (uint32_t i = 0; i < from->count; i++) {
        if (member != 0 && number <= race_set_number(from, i)) {
            hash ^= mix(member);
            to->member[count++] = (uint16_t)member;
            member = 0;
        }
        if (race_set_number(from, i) != number) {
            hash ^= mix(from->member[i]);
            to->member[count++] = from->member[i];
        }
    }
    if (member != 0) {
        hash ^= mix(member);
        to->member[count++] = (uint16_t)member;
    }
    to->count = count;
    to->hash = hash;
}

static bool same(const struct race_set *a, const struct race_set *b)
{
    if (a->hash != b->hash || a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (a->member[i] != b->member[i])
            return false;
    return true;
}

/* Returns: the name of the set that stands at the arena's end, new or known; 0 when there is no room.
 * Context: holds the lock. */
static uint32_t intern(const struct race_engine *engine, struct race_sets *sets, const struct race_set *set)
{
    uint32_t i = set->hash & (sets->index_size - 1);
    for (; sets->index[i] != 0; i = (i + 1) & (sets->index_size - 1))
        if (same(race_set_get(engine, sets->index[i]), set))
            return sets->index[i];
    if (sets->count >= sets->index_size / 4 * 3)
        return 0;
    uint32_t name = sets->used;
    size_t bytes = sizeof *set + set->count * sizeof set->member[0];
    sets->used += (uint32_t)((bytes + RACE_SET_UNIT - 1) / RACE_SET_UNIT);
    sets->index[i] = name;
    sets->count++;
    return name;
}

static uint32_t change(struct race_engine *engine, uint32_t name, uint32_t number, uint32_t member)
{
    struct race_sets *sets = engine->sets;
    uint32_t spins = 0;
    while (atomic_exchange_explicit(&sets->lock, 1, memory_order_acquire) != 0) /* partner: the store below */
        race_pause(&spins);
    const struct race_set *from = race_set_get(engine, name);
    uint32_t result = 0;
    size_t units = (sizeof *from + (from->count + 1u) * sizeof from->member[0]) / RACE_SET_UNIT + 1;
    if (sets->used + units < sets->units) {
        struct race_set *to = (void *)(sets->arena + (size_t)sets->used * RACE_SET_UNIT);
        build(to, from, number, member);
        result = to->count == 0 ? 0 : intern(engine, sets, to);
    }
    atomic_store_explicit(&sets->lock, 0, memory_order_release); /* partner: the exchange above */
    return result;
}

uint32_t race_set_with(struct race_engine *engine, uint32_t name, uint32_t number, bool writes)
{
    bool wrote = race_set_covers(race_set_get(engine, name), number, true);
    return change(engine, name, number, writes || wrote ? number | RACE_SET_WRITES : number);
}

uint32_t race_set_without(struct race_engine *engine, uint32_t name, uint32_t number)
{
    return change(engine, name, number, 0);
}

void race_sets_forked(struct race_engine *engine)
{
    relaxed_store(&engine->sets->lock, 0);
}
