#include "detector/race_hand_over.h"

#include "detector/race_generation.h"
#include "detector/race_sync.h"
#include "detector/race_trust.h"

static struct race_handed *handed_from(const struct race_plane *plane, uint32_t number)
{
    return &race_part(plane)->handed[number % RACE_HANDED];
}

/* A counter that a library's own locks keep, changed in place. */
static bool is_counter(uint32_t flags)
{
    return (flags & (RACE_WRITE | RACE_READ_MODIFY | RACE_GUESS)) == (RACE_WRITE | RACE_READ_MODIFY | RACE_GUESS);
}

static bool is_deciding_load(uint32_t flags)
{
    return (flags & (RACE_DECIDES | RACE_WRITE)) == RACE_DECIDES;
}

/* A guess hands over to a guess; what a loop waits for, to all. */
static bool hands_over(uint32_t load, uint32_t store)
{
    bool is_store = (store & (RACE_WRITE | RACE_READ_MODIFY)) == RACE_WRITE || is_counter(store);
    return is_deciding_load(load) && is_store && ((store & RACE_GUESS) != 0 || (load & RACE_GUESS) == 0);
}

static uint32_t beyond(const struct race_recalled *theirs)
{
    uint64_t distance = theirs->until > theirs->position ? theirs->until - theirs->position : 0;
    return distance < UINT32_MAX ? (uint32_t)distance : UINT32_MAX;
}

bool race_hand_over_note(struct race_engine *engine, struct race_plane *plane, const struct race_piece *piece,
                         uint32_t number, const struct race_recalled *theirs)
{
    if (!theirs->found && is_deciding_load(piece->flags) && (piece->address & 7) + piece->size <= 8) {
        /* What stored there, and so what was before it, is not known any more. */
        race_trust_part(engine, race_part_at(engine, number));
        race_sync_adopt(engine, plane, piece, 0);
        return true;
    }
    bool receives = hands_over(piece->flags, theirs->flags);
    bool sends = hands_over(theirs->flags, piece->flags);
    if (!theirs->found || !(receives || sends) || (piece->address & 7) + piece->size > 8) {
        return false;
    }
    const struct race_handed handed = {number, beyond(theirs), theirs->position};
    if (receives) {
        race_hand_over_receive(plane, &handed);
    }
    /* Others may have counted before, each ordered with the last by the lock alone. */
    race_sync_adopt(engine, plane, piece, is_counter(theirs->flags) ? 0 : number);
    if (receives) {
        race_sync_hand_on(engine, piece, &handed);
    }
    return true;
}

void race_hand_over_awaited(struct race_engine *engine, struct race_plane *plane, const struct race_part *other,
                            const struct race_piece *piece)
{
    uint32_t version = race_version_begin(other);
    uint32_t g = bytes_load_one(other->tags + race_place(plane, piece->address)) >> 1;
    if (g == 0 || g != relaxed_load(&other->present) || !other->has_thread) {
        return;
    }
    uint32_t slot = relaxed_load(&other->generation[g].slot);
    uint64_t epoch = relaxed_load(&other->generation[g].epoch);
    bool is_trusted = !thread_clock_has_seen(race_clock(plane), slot, epoch) && race_trusts(engine, slot, epoch);
    if (is_trusted && race_version_stands(other, version)) {
        race_trust_part(engine, race_part(plane));
    }
}

static uint64_t end_of(const struct race_handed *handed)
{
    return handed->position + handed->beyond;
}

void race_hand_over_receive(const struct race_plane *plane, const struct race_handed *handed)
{
    struct race_handed *before = handed_from(plane, handed->number);
    if (handed->number == 0) {
        return;
    }
    if (before->number != handed->number) {
        *before = *handed;
        return;
    }
    uint64_t end = end_of(before) > end_of(handed) ? end_of(before) : end_of(handed);
    before->position = before->position > handed->position ? before->position : handed->position;
    before->beyond = end - before->position < UINT32_MAX ? (uint32_t)(end - before->position) : UINT32_MAX;
}

void race_hand_over_forget(struct race_part *part)
{
    for (uint32_t i = 0; i < RACE_HANDED; i++) {
        part->handed[i] = (struct race_handed){0};
    }
}

enum race_handed_over race_hand_over_covers(const struct race_plane *plane, uint32_t number,
                                            const struct race_recalled *theirs)
{
    const struct race_handed *handed = handed_from(plane, number);
    if (!theirs->found || handed->number != number || theirs->position >= end_of(handed)) {
        return RACE_NOT_HANDED;
    }
    return theirs->position < handed->position ? RACE_HANDED_OVER : RACE_PERHAPS_HANDED;
}
