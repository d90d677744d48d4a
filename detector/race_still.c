#include "detector/race_still.h"

enum {
    STILL = 1 << 16,    /* above all numbers of planes */
    STAMPS = STILL - 1, /* all ones is the word of a shared chunk */
    READS_BEFORE = 4,   /* until a thread looks whether it has seen all */
    READS_BETWEEN = 32  /* ... and again */
};

void race_still_init(struct race_engine *engine)
{
    engine->still_bit = engine->window == UINT32_MAX && engine->hidden_trusted == NULL ? STILL : 0;
}

size_t race_still_size(const struct race_engine *engine)
{
    return race_chunk_count(engine) * sizeof(uint32_t);
}

void race_still_forget(struct race_engine *engine, struct race_part *part)
{
    if (engine->still_bit != 0) {
        engine->host.discard(engine->host.ctx, part->still, race_still_size(engine));
    }
}

/* Context: holds the chunk's lock. */
static uint32_t give_stamp(struct race_engine *engine, struct race_chunk *chunk, uint64_t address)
{
    uint32_t who = relaxed_load(&chunk->who);
    if (!race_word_is_still(engine, who)) {
        /* relaxed: any number will do that was not given out lately */
        uint32_t stamp = (uint32_t)atomic_fetch_add_explicit(&engine->stamps, 1, memory_order_relaxed) % STAMPS;
        who = ((uint32_t)(address >> RACE_HIGH_SHIFT) & engine->high) | STILL | stamp;
        relaxed_store(&chunk->who, who);
    }
    return who;
}

/* Returns: the chunk's stamp, or 0: the thread has not seen all, or somebody owns the chunk. */
static uint32_t stamp_of(struct race_engine *engine, struct race_plane *plane, struct race_chunk *chunk,
                         uint64_t address)
{
    struct race_part *part = race_part(plane);
    uint32_t state = race_chunk_lock(part, chunk), stamp = 0;
    uint32_t who = relaxed_load(&chunk->who);
    const struct race_set *set = race_set_get(engine, state >> RACE_STATE_SET);
    bool is_owned = who != race_shared_word(engine, address) && !race_word_is_still(engine, who);
    if (!is_owned && race_word_is_of(engine, who, address) && (state & RACE_STATE_SYNC) == 0 &&
        race_set_has(set, plane->number) && race_chunk_is_seen(engine, plane, set, address, RACE_SEEN_WRITES)) {
        stamp = give_stamp(engine, chunk, address);
    }
    race_chunk_unlock(part, chunk, state);
    return stamp;
}

void race_still_try(struct race_engine *engine, struct race_plane *plane, struct race_chunk *chunk, uint64_t address)
{
    struct race_part *part = race_part(plane);
    if (engine->still_bit == 0) {
        return;
    }
    /* A stamp, or how many reads are to come before the next look: 0 at first. */
    uint32_t *kept = &part->still[race_chunk_index(part, address)];
    if ((*kept & STILL) != 0) {
        *kept = READS_BETWEEN; /* somebody wrote */
        return;
    }
    *kept = *kept == 0 ? READS_BEFORE : *kept - 1;
    if (*kept == 1) {
        uint32_t stamp = stamp_of(engine, plane, chunk, address);
        *kept = stamp != 0 ? stamp : READS_BETWEEN;
    }
}
