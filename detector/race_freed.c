#include "detector/race_freed.h"

#include "detector/race_chunk.h"
#include "detector/race_last.h"

/* Returns: the bytes of the first run of ones. */
static struct race_piece first_run(uint64_t granule, uint32_t mask, uint32_t flags)
{
    uint32_t first = (uint32_t)__builtin_ctz(mask);
    return (struct race_piece){granule + first, (size_t)__builtin_ctz(~(mask >> first)), flags};
}

/* What is known of one object of the granule. */
struct leaving {
    uint32_t bytes;
    struct race_last last;
};

/* Returns: how many there are. */
static uint32_t find_leaving(struct race_engine *engine, uint64_t granule, struct leaving leaving[RACE_GRANULE_BYTES])
{
    struct race_granule_hold hold;
    uint32_t count = 0;
    if (!race_granule_hold(engine, granule, UINT8_MAX, 0, &hold))
        return 0;
    do {
        leaving[count].bytes = race_granule_sync_bytes(engine, &hold);
        leaving[count++].last = race_granule_last(engine, &hold);
    } while (count < RACE_GRANULE_BYTES && race_granule_next(engine, &hold));
    race_granule_release(&hold);
    return count;
}

bool race_freed_leave(struct race_engine *engine, struct race_plane *plane, const struct race_piece *piece, bool tells)
{
    uint64_t granule = piece->address & ~(uint64_t)(RACE_GRANULE_BYTES - 1);
    uint32_t freed = race_granule_mask(piece->address, piece->size);
    struct leaving leaving[RACE_GRANULE_BYTES];
    uint32_t count = find_leaving(engine, granule, leaving);
    bool found = false;
    for (uint32_t i = 0; i < count; i++) {
        const struct race_last *last = &leaving[i].last;
        if ((leaving[i].bytes & ~freed) != 0)
            continue; /* some of it is of another block */
        const struct race_piece run = first_run(granule, leaving[i].bytes, piece->flags);
        found |= tells && !found && !race_last_is_heard_of(engine, plane, last) &&
                 race_last_report(engine, plane, &run, last);
        if ((piece->flags & RACE_READ_MODIFY) == 0)
            race_granules_remove(engine, run.address, run.address + run.size);
    }
    return found;
}

void race_freed_meet(struct race_engine *engine, struct race_plane *plane, const struct race_piece *piece)
{
    struct race_chunk *chunk = race_chunk_at(engine, piece->address);
    uint32_t who = relaxed_load(&chunk->who);
    if (race_word_is_of(engine, who, piece->address) && who != race_owner_word(plane, piece->address)) {
        /* acquire: the set's members; partner: race_chunk_unlock() */
        uint32_t state = atomic_load_explicit(&chunk->state, memory_order_acquire);
        (void)race_check(engine, plane, chunk, state, piece);
    }
}
