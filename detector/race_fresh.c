/* race_fresh.c: memory that is new to the program, or gone from it: nothing that was done there before races with anything. */
#include "detector/race_chunk.h"
#include "detector/race_granules.h"
#include "detector/race_memory.h"

/* `is_clear`: no plane has tags there. */
static void chunk_fresh(struct race_engine *engine, struct race_part *part, uint64_t low, uint64_t high, bool is_clear)
{
    struct race_chunk *chunk = race_chunk_at(engine, low);
    uint32_t who = relaxed_load(&chunk->who);
    bool is_other = !race_word_is_of(engine, who, low) && (relaxed_load(&chunk->state) & RACE_STATE_SYNC) == 0;
    if (who == 0 || is_other) {
        return;
    }
    uint32_t state = race_chunk_lock(part, chunk);
    if ((state & RACE_STATE_SYNC) != 0) {
        race_granules_remove(engine, low, high);
    }
    if (race_word_is_of(engine, relaxed_load(&chunk->who), low)) {
        if (!is_clear) {
            race_chunk_clear(engine, state, low, (size_t)(high - low));
        }
        if (high - low == RACE_CHUNK_BYTES) {
            /* Other addresses with these low bits may be sync ones when any were ever met. */
            state = relaxed_load(&engine->aliases) == 0 ? 0 : state & RACE_STATE_SYNCS;
            relaxed_store(&chunk->who, state == 0 ? 0 : race_shared_word(engine, low));
        }
    }
    race_chunk_unlock(part, chunk, state);
}

void race_range_fresh(struct race_engine *engine, struct race_plane *plane, uint64_t low, uint64_t high)
{
    if (!race_enter(race_part(plane))) {
        race_part(plane)->turned_away = true; /* old tags stay: they must not race */
        return;
    }
    race_part(plane)->changing = 0;
    const struct race_returned returned = race_memory_return(engine, low, high);
    while (low < high) {
        uint64_t end = (low | (RACE_CHUNK_BYTES - 1)) + 1;
        end = end < high ? end : high;
        if (race_chunk_in_use(engine, low >> RACE_CHUNK_SHIFT)) {
            bool is_clear = low >= returned.low && end <= returned.high;
            chunk_fresh(engine, race_part(plane), low, end, is_clear);
        } else {
            end = (low | 0x1ffff) + 1; /* what a page of chunks covers */
        }
        low = end;
    }
    race_leave(engine, race_part(plane));
}
