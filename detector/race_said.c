#include "detector/race_said.h"

#include "detector/hash_table.h"

enum {
    SAID = 1 << 16,
    HEARD = 1 << 14,
    HEARD_ENOUGH = 16,
    HEARD_OFTEN = 128,    /* from then on one in so many is taken */
    STACKS_AN_OBJECT = 4, /* pairs of stacks told of one object at one pair of places */
    OBJECTS_A_PLACE = 8,  /* that are told of at one pair of places and in no block: perhaps elements of one array */
    STALE = 1 << 12,
    STALE_FIRST = 64,         /* looks in a row that told nothing new, after which not every one is taken */
    STALE_FIRST_DECIDES = 512 /* the same of loads that may receive what a flag hands over: race_hand_over.h */
};

struct race_said {
    _Atomic uint64_t key[SAID];    /* hashes of what was told */
    _Atomic uint8_t heard[HEARD];  /* how often something was looked at; by address and thread */
    _Atomic uint32_t stale[STALE]; /* races since the last news; by stack and thread */
};

bool race_said_init(struct race_engine *engine)
{
    engine->said = engine->host.reserve(engine->host.ctx, sizeof *engine->said);
    return engine->said != NULL;
}

void race_said_delete(struct race_engine *engine)
{
    if (engine->said != NULL)
        engine->host.release(engine->host.ctx, engine->said, sizeof *engine->said);
}

/* ---- worth a look ----------------------------------------------------------------------------------------------- */

static _Atomic uint8_t *heard_count(struct race_engine *engine, const struct race_met *met)
{
    return &engine->said->heard[hash_mix(met->address >> 3, met->number) % HEARD];
}

bool race_said_is_worth_a_look(struct race_engine *engine, const struct race_met *met)
{
    _Atomic uint8_t *heard = heard_count(engine, met);
    uint8_t count = relaxed_load(heard);
    relaxed_store(heard, (uint8_t)(count == UINT8_MAX ? HEARD_OFTEN : count + 1)); /* approximate */
    return count < HEARD_ENOUGH || (count & (count - 1)) == 0;
}

static _Atomic uint32_t *stale_count(struct race_engine *engine, struct stack_id here, const struct race_met *met)
{
    return &engine->said->stale[hash_mix(here.v, met->number) % STALE];
}

bool race_said_may_be_news(struct race_engine *engine, struct stack_id here, const struct race_met *met, uint32_t flags)
{
    _Atomic uint32_t *stale = stale_count(engine, here, met);
    uint32_t count = relaxed_load(stale) + 1;
    relaxed_store(stale, count); /* approximate */
    uint32_t step = count / ((flags & RACE_DECIDES) != 0 ? STALE_FIRST_DECIDES : STALE_FIRST);
    while ((step & (step - 1)) != 0)
        step &= step - 1; /* its highest bit */
    return step <= 1 || count % step == 0;
}

void race_said_look_on(struct race_engine *engine, struct stack_id here, const struct race_met *met)
{
    relaxed_store(stale_count(engine, here, met), 0);
}

void race_said_look_anew(struct race_engine *engine, struct stack_id here, const struct race_met *met)
{
    race_said_look_on(engine, here, met);
    relaxed_store(heard_count(engine, met), 0);
}

/* ---- once ------------------------------------------------------------------------------------------------------- */

enum said { SAID_NOT, SAID_BEFORE, SAID_NO_ROOM /* thousands were said */ };

/* Looks for the key and, with `add`, says it where it is not found. */
static enum said look_up(struct race_engine *engine, uint64_t key, bool add)
{
    uint64_t hash = key | 1; /* 0: free */
    for (uint32_t i = 0; i < 64; i++) {
        _Atomic uint64_t *place = &engine->said->key[(hash + i * 2) / 2 % SAID];
        uint64_t there = relaxed_load(place);
        if (there == 0 && (!add || atomic_compare_exchange_strong_explicit(place, &there, hash, memory_order_relaxed,
                                                                           memory_order_relaxed)))
            return SAID_NOT;
        if (there == hash)
            return SAID_BEFORE;
    }
    return SAID_NO_ROOM;
}

/* Returns: true the first time. */
static bool say(struct race_engine *engine, uint64_t key)
{
    return look_up(engine, key, true) == SAID_NOT;
}

/* Returns: true the first `most` times. */
static bool say_a_few(struct race_engine *engine, uint64_t key, uint64_t most)
{
    for (uint64_t i = 0; i < most; i++)
        if (say(engine, hash_mix(key, i)))
            return true;
    return false;
}

/* Whichever of the two is named first.  Small numbers are spread out before they meet: pairs of them would share a hash. */
static uint64_t hash_pair(uint64_t a, uint64_t b)
{
    return a < b ? hash_mix(hash_mix(0, a), b) : hash_mix(hash_mix(0, b), a);
}

static uint64_t place_of(const struct race_engine *engine, struct stack_id stack)
{
    return engine->host.place == NULL ? stack.v : engine->host.place(engine->host.ctx, stack);
}

/* The same for the same place in another block of the kind. */
static uint64_t object_key(const struct finding_memory *memory)
{
    return memory->alloc_stack.v == 0 ? memory->address
                                      : hash_mix(memory->alloc_stack.v, memory->address - memory->block);
}

/* The objects that one pair of places meets: the blocks that one place allocates are one, and each address elsewhere may be a
 * variable of its own.  Returns: false when it is one more than are told of. */
static bool object_may_be_told(struct race_engine *engine, uint64_t places, const struct finding_memory *memory)
{
    enum { COUNT_OF_OBJECTS = 1, OBJECT = 2 };
    if (memory->alloc_stack.v != 0)
        return true;
    uint64_t object = hash_mix(hash_mix(places, OBJECT), memory->address);
    if (look_up(engine, object, false) == SAID_BEFORE)
        return true;
    return say_a_few(engine, hash_mix(places, COUNT_OF_OBJECTS), OBJECTS_A_PLACE) && say(engine, object);
}

bool race_said_is_news(struct race_engine *engine, const struct finding *finding)
{
    const struct finding_memory *memory = &finding->memory;
    struct stack_id mine = finding->parties[0].stack, theirs = finding->parties[1].stack;
    uint64_t object = memory->alloc_stack.v != 0 ? memory->alloc_stack.v : memory->address;
    uint64_t places = hash_pair(place_of(engine, mine), place_of(engine, theirs));
    if (!say(engine, hash_mix(hash_pair(mine.v, theirs.v), object)) || !object_may_be_told(engine, places, memory))
        return false;
    if (finding_race_severity(&finding->parties[0], &finding->parties[1]) == SEVERITY_WARNING)
        return say(engine, object_key(memory));
    return say_a_few(engine, hash_mix(places, object), STACKS_AN_OBJECT);
}
