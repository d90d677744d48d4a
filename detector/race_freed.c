#include "detector/race_freed.h"

#include "detector/race_chunk.h"
#include "detector/race_granules.h"
#include "detector/race_trust.h"

/* Returns: the plane whose latest thread was in that epoch of the slot, or NULL: another has it by now. */
static const struct race_part *part_of(const struct race_engine *engine, const struct race_last *last)
{
    /* acquire: the parts up to it; partner: race_plane_begin() */
    uint32_t numbers = atomic_load_explicit(&engine->last_number, memory_order_acquire);
    const struct race_part *found = NULL;
    for (uint32_t n = 1; n <= numbers; n++) {
        const struct race_part *part = race_part_at(engine, n);
        bool may_be =
            part != NULL && relaxed_load(&part->slot) == last->slot && relaxed_load(&part->born_in) <= last->epoch;
        if (may_be && (found == NULL || relaxed_load(&part->born_in) > relaxed_load(&found->born_in))) {
            found = part;
        }
    }
    return found;
}

static bool is_heard_of(const struct race_engine *engine, const struct race_plane *plane, const struct race_last *last)
{
    return last->epoch == 0 || thread_clock_has_seen(race_clock(plane), last->slot, last->epoch) ||
           thread_clock_has_seen(&race_part(plane)->loaded, last->slot, last->epoch) ||
           race_trusts(engine, last->slot, last->epoch);
}

/* Returns: the bytes of the first run of ones. */
static struct race_piece first_run(uint64_t granule, uint32_t mask, uint32_t flags)
{
    uint32_t first = (uint32_t)__builtin_ctz(mask);
    return (struct race_piece){granule + first, (size_t)__builtin_ctz(~(mask >> first)), flags};
}

static bool report(struct race_engine *engine, struct race_plane *plane, const struct race_piece *piece,
                   const struct race_last *last)
{
    const struct race_part *other = part_of(engine, last);
    if (other == NULL) {
        return false;
    }
    const struct race_met met = {.number = other->number, .wrote = true, .address = piece->address};
    return race_found_by_clock(engine, plane, other, piece, &met, last->slot, last->epoch);
}

bool race_freed_leave(struct race_engine *engine, struct race_plane *plane, const struct race_piece *piece, bool tells)
{
    uint64_t granule = piece->address & ~(uint64_t)(RACE_GRANULE_BYTES - 1);
    struct race_last last;
    uint32_t mask = race_granule_last(engine, granule, &last);
    if (mask == 0 || (mask & ~race_granule_mask(piece->address, piece->size)) != 0) {
        return false; /* some of it is of another block */
    }
    const struct race_piece run = first_run(granule, mask, piece->flags);
    bool found = tells && !is_heard_of(engine, plane, &last) && report(engine, plane, &run, &last);
    if ((piece->flags & RACE_READ_MODIFY) == 0) {
        race_granules_remove(engine, granule, granule + RACE_GRANULE_BYTES);
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
