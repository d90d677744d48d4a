#include "detector/race_updates.h"

bool race_updates_meet(const struct race_engine *engine, const struct race_plane *plane, const struct race_last *last,
                       enum race_change how, uint32_t bytes)
{
    enum race_change other = how == RACE_CHANGE_ADDS ? RACE_CHANGE_UPDATES : RACE_CHANGE_ADDS;
    return last->how == other && last->bytes == bytes && !race_last_is_heard_of(engine, plane, last);
}

void race_updates_report(struct race_engine *engine, struct race_plane *plane, uint64_t address,
                         const struct race_last *last, enum race_change how)
{
    uint32_t run = (uint32_t)last->bytes >> __builtin_ctz(last->bytes); /* they stand together */
    const struct race_piece piece = {.address = address,
                                     .size = (size_t)__builtin_ctz(~run),
                                     .flags = RACE_WRITE | (how == RACE_CHANGE_ADDS ? RACE_ATOMIC : 0u)};
    (void)race_last_report(engine, plane, &piece, last);
}
