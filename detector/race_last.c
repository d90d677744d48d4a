#include "detector/race_last.h"

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
        if (may_be && (found == NULL || relaxed_load(&part->born_in) > relaxed_load(&found->born_in)))
            found = part;
    }
    return found;
}

bool race_last_is_heard_of(const struct race_engine *engine, const struct race_plane *plane,
                           const struct race_last *last)
{
    return last->epoch == 0 || thread_clock_has_seen(race_clock(plane), last->slot, last->epoch) ||
           thread_clock_has_seen(&race_part(plane)->loaded, last->slot, last->epoch) ||
           race_trusts(engine, last->slot, last->epoch);
}

bool race_last_report(struct race_engine *engine, struct race_plane *plane, const struct race_piece *piece,
                      const struct race_last *last)
{
    const struct race_part *other = part_of(engine, last);
    if (other == NULL)
        return false;
    const struct race_met met = {.number = other->number, .wrote = true, .address = piece->address};
    return race_found_by_clock(engine, plane, other, piece, &met, last);
}
