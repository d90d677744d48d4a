#include "detector/race_chunk.h"

#include "detector/bytes_wide.h"
#include "detector/race_frontier.h"
#include "detector/race_generation.h"
#include "detector/race_hybrid.h"
#include "detector/race_record.h"
#include "detector/race_touched.h"

uint32_t race_chunk_lock(struct race_part *part, struct race_chunk *chunk)
{
    uint32_t spins = 0;
    part->locked_chunk = chunk;
    for (;;) {
        uint32_t state = relaxed_load(&chunk->state);
        if ((state & RACE_STATE_LOCK) == 0 &&
            /* partner: race_chunk_unlock() */
            atomic_compare_exchange_weak_explicit(&chunk->state, &state, state | RACE_STATE_LOCK, memory_order_acquire,
                                                  memory_order_relaxed))
            return state;
        race_pause(&spins);
    }
}

void race_chunk_unlock(struct race_part *part, struct race_chunk *chunk, uint32_t state)
{
    /* partner: race_chunk_lock() and lock-free readers */
    atomic_store_explicit(&chunk->state, state, memory_order_release);
    part->locked_chunk = NULL;
}

void race_chunk_use(struct race_engine *engine, const struct race_chunk *chunk)
{
    size_t page = (size_t)(chunk - engine->chunks) / RACE_CHUNKS_OF_USE;
    _Atomic uint64_t *word = (_Atomic uint64_t *)&engine->used[page / 64];
    uint64_t bit = UINT64_C(1) << page % 64;
    if ((relaxed_load(word) & bit) == 0)
        atomic_fetch_or_explicit(word, bit, memory_order_relaxed); /* a hint: whoever walks comes after by itself */
}

bool race_chunk_in_use(const struct race_engine *engine, uint64_t index)
{
    size_t page = (size_t)(index % race_chunk_count(engine)) / RACE_CHUNKS_OF_USE;
    return (relaxed_load((_Atomic uint64_t *)&engine->used[page / 64]) >> page % 64 & 1) != 0;
}

void race_chunk_clear(struct race_engine *engine, uint32_t state, uint64_t address, size_t size)
{
    const struct race_set *set = race_set_get(engine, state >> RACE_STATE_SET);
    for (uint32_t i = 0; i < set->count; i++)
        race_unrecord(race_part_at(engine, race_set_number(set, i)), address, size);
}

uint32_t race_chunk_claim(struct race_engine *engine, struct race_chunk *chunk, uint32_t state, uint64_t address)
{
    uint32_t who = relaxed_load(&chunk->who);
    if (who == 0 || race_word_is_of(engine, who, address))
        return state;
    race_count(&engine->aliases);
    race_hybrid_trust_all(engine);
    return state & RACE_STATE_SYNCS;
}

/* ---- owners ----------------------------------------------------------------------------------------------------- */

/* Returns: the part that owns the chunk of the address, or NULL. */
static const struct race_part *owner_of(const struct race_engine *engine, uint32_t who, uint64_t address)
{
    uint32_t number = who & ~engine->high;
    bool is_owned = race_word_is_of(engine, who, address) && number != ~engine->high;
    return is_owned ? race_part_at(engine, number) : NULL;
}

static uint32_t with_vain(uint32_t state, bool was_vain)
{
    uint32_t vain = (state & RACE_STATE_VAIN) >> RACE_STATE_VAIN_SHIFT;
    if (was_vain)
        vain += vain < RACE_STATE_VAIN_MOST;
    else
        vain -= vain > 0;
    return (state & ~(uint32_t)RACE_STATE_VAIN) | vain << RACE_STATE_VAIN_SHIFT;
}

/* Somebody comes to the chunk of another.  Returns: its state, which says how often it was owned in vain. */
static uint32_t note_taken(const struct race_engine *engine, const struct race_chunk *chunk, uint32_t state,
                           const struct race_part *owner)
{
    if ((state & RACE_STATE_TIMED) == 0)
        return state;
    return with_vain(state & ~(uint32_t)RACE_STATE_TIMED, race_frontier_owned_in_vain(engine, chunk, owner));
}

/* ---- taking part ------------------------------------------------------------------------------------------------ */

/* Returns: true when `plane`'s thread has seen all tags of `other` in the chunk that begins at `low`.  Those of its present epoch
 * may be trusted, but it does not look again at what it has them of: who stores there must look for it. */
static bool other_is_seen(struct race_engine *engine, const struct race_plane *plane, const struct race_part *other,
                          uint32_t low)
{
    uint32_t version = race_version_begin(other);
    uint32_t threshold = race_generation_threshold(engine, plane, other), present = relaxed_load(&other->present);
    uint8_t limit = (uint8_t)(other->has_thread && threshold >= present ? present - 1 : threshold);
    if (bytes_wide_highest(other->tags + low, RACE_CHUNK_BYTES) >> 1 > limit)
        return false;
    return race_version_stands(other, version);
}

static bool all_is_seen(struct race_engine *engine, const struct race_plane *plane, const struct race_set *set,
                        uint64_t address)
{
    uint32_t low = (uint32_t)address & engine->window & ~(uint32_t)(RACE_CHUNK_BYTES - 1);
    for (uint32_t i = 0; i < set->count; i++)
        if (race_set_number(set, i) != plane->number &&
            !other_is_seen(engine, plane, race_part_at(engine, race_set_number(set, i)), low))
            return false;
    return true;
}

/* What the plane said here before is forgotten. */
static void forget_tags(struct race_engine *engine, struct race_plane *plane, const struct race_piece *piece)
{
    uint32_t low = (uint32_t)piece->address & engine->window & ~(uint32_t)(RACE_CHUNK_BYTES - 1);
    if (race_mark(engine, race_part(plane), piece)) {
        bytes_clear(plane->tags + low, RACE_CHUNK_BYTES);
        bytes_clear(plane->writes + low, RACE_CHUNK_BYTES);
    }
}

/* Returns: the set with the plane in it, marked if it `writes`. */
static uint32_t become_member(struct race_engine *engine, const struct race_part *part, uint32_t set, bool writes)
{
    if (race_set_covers(race_set_get(engine, set), part->number, writes))
        return set;
    uint32_t joined = set == 0 ? part->alone : race_set_with(engine, set, part->number, writes);
    if (joined == 0) {
        race_count(&engine->forgotten); /* no room for the set: the others' history goes */
        race_hybrid_trust_all(engine);
        joined = part->alone;
    }
    return joined;
}

/* Returns: true when the thread has seen all that was done in a chunk up to now by its owner, and so by those before. */
static bool is_handed_over(const struct race_engine *engine, const struct race_plane *plane,
                           const struct race_chunk *chunk, uint32_t state, const struct race_part *owner)
{
    return (state & (RACE_STATE_SYNC | RACE_STATE_VAIN | RACE_STATE_CLEARED)) == 0 && engine->hidden_trusted == NULL &&
           race_frontier_owner_is_seen(engine, plane, chunk, owner);
}

/* Returns: the set, with the owner as one who writes, for it may do so without coming here. */
static uint32_t own(struct race_engine *engine, struct race_plane *plane, struct race_chunk *chunk, uint32_t set,
                    uint64_t address)
{
    struct race_part *part = race_part(plane);
    if (race_set_get(engine, set)->count > RACE_KEPT) {
        race_count(&engine->forgotten);
        race_hybrid_trust_all(engine);
        set = part->alone;
    }
    set = become_member(engine, part, set, true);
    race_touch(part, race_chunk_index(part, address), RACE_ALL_LINES, true);
    relaxed_store(&chunk->who, race_owner_word(plane, address));
    return set;
}

uint32_t race_chunk_enter(struct race_engine *engine, struct race_plane *plane, struct race_chunk *chunk,
                          const struct race_piece *piece, bool wants_it)
{
    struct race_part *part = race_part(plane);
    uint64_t address = piece->address;
    uint32_t state = race_chunk_claim(engine, chunk, race_chunk_lock(part, chunk), address);
    const struct race_part *owner = owner_of(engine, relaxed_load(&chunk->who), address);
    bool is_others = owner != NULL && owner != part;
    uint32_t owned = state; /* by whoever had it */
    state = is_others ? note_taken(engine, chunk, state, owner) : state;
    uint32_t set = state >> RACE_STATE_SET;
    race_touch_piece(part, piece);
    if (!race_set_has(race_set_get(engine, set), plane->number))
        forget_tags(engine, plane, piece);
    else
        (void)race_mark(engine, part, piece); /* it may be here still from before its plane was emptied */
    set = become_member(engine, part, set, (piece->flags & RACE_WRITE) != 0);
    bool is_sync = (state & RACE_STATE_SYNC) != 0;
    bool may_own = !is_sync && (wants_it || race_set_get(engine, set)->count == 1);
    if ((is_others && is_handed_over(engine, plane, chunk, state, owner)) ||
        (may_own && all_is_seen(engine, plane, race_set_get(engine, set), address))) {
        if (relaxed_load(&chunk->who) == race_shared_word(engine, address)) {
            race_frontier_own(engine, plane, chunk);
            state |= RACE_STATE_TIMED;
        }
        set = own(engine, plane, chunk, set, address);
    } else if (relaxed_load(&chunk->who) != race_shared_word(engine, address)) {
        race_chunk_share(engine, chunk, owned, race_shared_word(engine, address));
        race_count(&engine->chunks_shared);
    }
    race_chunk_use(engine, chunk);
    state = set << RACE_STATE_SET | (state & (RACE_STATE_SYNCS | RACE_STATE_VAIN | RACE_STATE_TIMED));
    if (!is_sync)
        race_record(plane, piece);
    race_chunk_unlock(part, chunk, state);
    return state;
}

void race_chunk_share(struct race_engine *engine, struct race_chunk *chunk, uint32_t state, uint32_t who)
{
    uint32_t before = relaxed_load(&chunk->who);
    if (before == who)
        return;
    uint64_t address = (uint64_t)(who & engine->high) << RACE_HIGH_SHIFT;
    struct race_frontier_start start = race_frontier_begin(engine, chunk, state, owner_of(engine, before, address));
    atomic_store_explicit(&chunk->who, who, memory_order_release); /* partner: passes() in race.c */
    race_frontier_set_behind(engine, chunk, start);
}

uint32_t race_chunk_disown(struct race_engine *engine, const struct race_plane *plane, struct race_chunk *chunk,
                           uint32_t state)
{
    race_frontier_leave(engine, plane, chunk);
    /* release: partner: passes() in race.c */
    atomic_store_explicit(&chunk->who, relaxed_load(&chunk->who) | ~engine->high, memory_order_release);
    return state & ~(uint32_t)RACE_STATE_TIMED;
}

/* ---- leaving ---------------------------------------------------------------------------------------------------- */

static uint64_t leave(struct race_engine *engine, struct race_plane *plane, uint32_t index, uint64_t lines)
{
    (void)lines;
    struct race_chunk *chunk = &engine->chunks[index];
    struct race_part *part = race_part(plane);
    uint32_t state = race_chunk_lock(part, chunk);
    uint32_t set = state >> RACE_STATE_SET;
    if (race_set_has(race_set_get(engine, set), plane->number)) {
        set = race_set_without(engine, set, plane->number);
        uint32_t who = relaxed_load(&chunk->who);
        bool is_empty = set == 0 && (state & RACE_STATE_SYNC) == 0;
        if (is_empty)
            relaxed_store(&chunk->who, 0);
        else
            race_chunk_share(engine, chunk, state, who | ~engine->high);
    }
    race_chunk_unlock(part, chunk, set << RACE_STATE_SET | (state & RACE_STATE_SYNCS));
    return 0;
}

void race_chunk_leave_all(struct race_engine *engine, struct race_plane *plane)
{
    race_touched_visit(engine, plane, leave);
}
