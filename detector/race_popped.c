#include "detector/race_popped.h"

#include "detector/race_chunk.h"
#include "detector/race_granules.h"

void race_popped_rise(struct race_popped *popped, uint32_t becomings, uint64_t sp)
{
    while (popped->count > 0 && popped->peak[popped->count].sp <= sp)
        popped->count--;
    popped->count += popped->count < RACE_PEAKS;
    popped->peak[popped->count].becomings = becomings;
    popped->peak[popped->count].sp = sp;
}

bool race_popped_since(const struct race_popped *popped, uint32_t becomings, uint64_t address)
{
    for (uint32_t i = 1; i <= popped->count; i++)
        if ((int32_t)(popped->peak[i].becomings - becomings) > 0) /* the first such is the highest */
            return popped->peak[i].sp > address + RACE_RED_ZONE;
    return false;
}

/* Returns: whether the granule has objects, and all of them are of frames that were left. */
static bool is_left(struct race_engine *engine, const struct race_popped *popped, uint64_t granule)
{
    struct race_granule_hold hold;
    bool is_left = race_granule_hold(engine, granule, 0xff, 0, &hold);
    if (!is_left)
        return false;
    do {
        is_left = race_popped_since(popped, race_granule_born(engine, &hold), granule + RACE_GRANULE_BYTES - 1);
    } while (is_left && race_granule_next(engine, &hold));
    race_granule_release(&hold);
    return is_left;
}

static void forget(struct race_engine *engine, struct race_part *part, uint64_t granule)
{
    struct race_chunk *chunk = race_chunk_at(engine, granule);
    uint32_t state = race_chunk_lock(part, chunk);
    race_granules_remove(engine, granule, granule + RACE_GRANULE_BYTES);
    race_chunk_unlock(part, chunk, state);
}

void race_popped_forget(struct race_engine *engine, struct race_plane *plane, const struct race_popped *popped,
                        uint64_t address, uint64_t size)
{
    struct race_part *part = race_part(plane);
    if (engine->sync_places != NULL || popped->count == 0 || !race_enter(part))
        return;
    for (uint64_t granule = address & ~(uint64_t)7; granule < address + size; granule += RACE_GRANULE_BYTES)
        if (is_left(engine, popped, granule))
            forget(engine, part, granule);
    race_leave(engine, part);
}
