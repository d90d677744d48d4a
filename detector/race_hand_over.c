#include "detector/race_hand_over.h"

#include "detector/race_sync.h"

static struct race_handed *handed_from(const struct race_plane *plane, uint32_t number)
{
    return &race_part(plane)->handed[number % RACE_HANDED];
}

static bool is_deciding_load(uint32_t flags)
{
    return (flags & (RACE_GUESS | RACE_DECIDES | RACE_WRITE)) == (RACE_GUESS | RACE_DECIDES);
}

static bool is_store(uint32_t flags)
{
    return (flags & (RACE_GUESS | RACE_WRITE | RACE_READ_MODIFY)) == (RACE_GUESS | RACE_WRITE);
}

void race_hand_over_note(struct race_engine *engine, struct race_plane *plane, const struct race_piece *piece,
                         uint32_t number, const struct race_recalled *theirs)
{
    bool receives = is_deciding_load(piece->flags) && is_store(theirs->flags);
    bool sends = is_store(piece->flags) && is_deciding_load(theirs->flags);
    if (!theirs->found || !(receives || sends) || (piece->address & 7) + piece->size > 8) {
        return;
    }
    if (receives) {
        *handed_from(plane, number) = (struct race_handed){number, theirs->position};
    }
    race_sync_adopt(engine, plane, piece);
}

void race_hand_over_forget(struct race_part *part)
{
    for (uint32_t i = 0; i < RACE_HANDED; i++) {
        part->handed[i] = (struct race_handed){0, 0};
    }
}

bool race_hand_over_covers(const struct race_plane *plane, uint32_t number, const struct race_recalled *theirs)
{
    const struct race_handed *handed = handed_from(plane, number);
    return theirs->found && handed->number == number && theirs->position < handed->position;
}
