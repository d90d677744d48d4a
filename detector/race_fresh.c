/* race_fresh.c: memory that is new to the program, or gone from it: nothing that was done there before races with anything. */
#include "detector/race_chunk.h"
#include "detector/race_granules.h"
#include "detector/race_memory.h"
#include "detector/race_record.h"

/* A part that has its own pages cleared, `keeper`, and the others' given back; NULL: those of all are. */
struct freshening {
    struct race_part *part; /* of the calling thread */
    const struct race_part *keeper;
    struct race_returned returned;
};

/* Part of one chunk, which is locked. */
static void clear_tags(struct race_engine *engine, const struct freshening *f, uint32_t state, uint64_t low,
                       uint64_t high)
{
    if (low < f->returned.low || high > f->returned.high)
        race_chunk_clear(engine, state, low, (size_t)(high - low));
    else if (f->keeper != NULL && race_set_has(race_set_get(engine, state >> RACE_STATE_SET), f->keeper->number))
        race_unrecord(f->keeper, low, (size_t)(high - low));
}

static void chunk_fresh(struct race_engine *engine, const struct freshening *f, uint64_t low, uint64_t high)
{
    struct race_chunk *chunk = race_chunk_at(engine, low);
    uint32_t who = relaxed_load(&chunk->who);
    bool is_other = !race_word_is_of(engine, who, low) && (relaxed_load(&chunk->state) & RACE_STATE_SYNC) == 0;
    if (who == 0 || is_other)
        return;
    uint32_t state = race_chunk_lock(f->part, chunk);
    if ((state & RACE_STATE_SYNC) != 0)
        race_granules_remove(engine, low, high);
    if (race_word_is_of(engine, relaxed_load(&chunk->who), low)) {
        clear_tags(engine, f, state, low, high);
        if (high - low == RACE_CHUNK_BYTES) {
            /* Other addresses with these low bits may be sync ones when any were ever met. */
            state = relaxed_load(&engine->aliases) == 0 ? 0 : state & RACE_STATE_SYNCS;
            relaxed_store(&chunk->who, state == 0 ? 0 : race_shared_word(engine, low));
        } else if (race_set_get(engine, state >> RACE_STATE_SET)->count > 1) {
            state |= RACE_STATE_CLEARED;
        }
    }
    race_chunk_unlock(f->part, chunk, state);
}

static void stretch_fresh(struct race_engine *engine, const struct freshening *f, uint64_t low, uint64_t high)
{
    while (low < high) {
        uint64_t end = (low | (RACE_CHUNK_BYTES - 1)) + 1;
        end = end < high ? end : high;
        if (race_chunk_in_use(engine, low >> RACE_CHUNK_SHIFT))
            chunk_fresh(engine, f, low, end);
        else
            end = (low | (RACE_CHUNKS_OF_USE * RACE_CHUNK_BYTES - 1)) + 1;
        low = end;
    }
}

/* The chunk at that place, as far as it lies in the range; among sync addresses may be some of other addresses that share it. */
static void chunk_of_many_fresh(struct race_engine *engine, const struct freshening *f, uint64_t index, uint64_t low,
                                uint64_t high)
{
    const struct race_chunk *chunk = &engine->chunks[index];
    uint64_t who = relaxed_load(&chunk->who) & engine->high, step = (uint64_t)engine->window + 1;
    uint64_t place = index << RACE_CHUNK_SHIFT, at = who << RACE_HIGH_SHIFT | place, last = at;
    if (relaxed_load(&engine->aliases) != 0 && (relaxed_load(&chunk->state) & RACE_STATE_SYNC) != 0) {
        at = (low & ~(step - 1)) | place;
        last = high;
    }
    for (; at <= last && at < high; at += step) {
        uint64_t end = at + RACE_CHUNK_BYTES, begin = at < low ? low : at;
        if (end > low)
            chunk_fresh(engine, f, begin, end < high ? end : high);
    }
}

/* A range larger than the window: no chunk is looked at twice. */
static void window_fresh(struct race_engine *engine, const struct freshening *f, uint64_t low, uint64_t high)
{
    for (uint64_t index = 0; index < race_chunk_count(engine); index++)
        if (race_chunk_in_use(engine, index))
            chunk_of_many_fresh(engine, f, index, low, high);
        else
            index |= RACE_CHUNKS_OF_USE - 1;
}

static void range_fresh(struct race_engine *engine, struct race_part *part, const struct race_part *keeper,
                        uint64_t low, uint64_t high)
{
    if (!race_enter(part)) {
        part->turned_away = true; /* old tags stay: they must not race */
        return;
    }
    part->changing = 0;
    const struct freshening f = {part, keeper, race_memory_return(engine, keeper, low, high)};
    (low < high && high - low > engine->window ? window_fresh : stretch_fresh)(engine, &f, low, high);
    race_leave(engine, part);
}

void race_range_fresh(struct race_engine *engine, struct race_plane *plane, uint64_t low, uint64_t high)
{
    range_fresh(engine, race_part(plane), race_part(plane), low, high);
}

void race_range_mapped(struct race_engine *engine, struct race_plane *plane, uint64_t low, uint64_t high)
{
    range_fresh(engine, race_part(plane), NULL, low, high);
}
