#include "detector/race_hand_over.h"

#include "detector/race_chunk.h"
#include "detector/race_generation.h"
#include "detector/race_hybrid.h"
#include "detector/race_sync.h"
#include "detector/race_trust.h"

static struct race_received *received_from(const struct race_plane *plane, uint32_t number)
{
    return &race_part(plane)->received[number % RACE_RECEIVED];
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

static bool is_store(uint32_t flags)
{
    return (flags & (RACE_WRITE | RACE_GUESS)) == (RACE_WRITE | RACE_GUESS);
}

/* A guess hands over to whoever looks at it; all do to what a loop waits for. */
static bool hands_over(uint32_t load, uint32_t store)
{
    bool stores = (store & (RACE_WRITE | RACE_READ_MODIFY)) == RACE_WRITE || is_counter(store);
    bool is_awaited = is_deciding_load(load) && (load & RACE_GUESS) == 0;
    bool is_looked_at = is_deciding_load(load) || (load & (RACE_LOOKS | RACE_WRITE)) == RACE_LOOKS;
    return stores && (is_awaited || (is_looked_at && (store & RACE_GUESS) != 0));
}

/* Takes in what the giver has seen by now. */
static void take_in(struct race_engine *engine, const struct race_plane *plane, const struct race_giver *giver)
{
    struct thread_clock *theirs = relaxed_load(&giver->part->clock);
    struct clock_stamp stamp;
    bool is_same = relaxed_load(&giver->part->slot) == giver->slot;
    if (is_same && theirs != NULL)
        thread_clock_claim(theirs, giver->epoch);
    if (!is_same || theirs == NULL || !thread_clock_overhear(race_clock(plane), theirs, &stamp)) {
        race_trust_all(engine, race_part(plane)); /* it is forgotten, or never at rest */
    } else {
        thread_clock_receive(race_clock(plane), &stamp);
        clock_stamp_drop(&stamp);
    }
    race_hybrid_trust_all(engine); /* the loose clock takes in nothing */
}

static void receive_epoch(const struct race_plane *plane, const struct race_giver *giver, uint64_t epoch)
{
    const struct clock_stamp stamp = {.slot = giver->slot, .epoch = epoch};
    thread_clock_receive(race_clock(plane), &stamp);
}

/* The thread of `plane` may have been handed all that the giver had done by the end of its epoch, and had seen. */
static void receive(struct race_engine *engine, const struct race_plane *plane, const struct race_giver *giver)
{
    receive_epoch(plane, giver, giver->epoch);
    take_in(engine, plane, giver);
}

static void note_received(const struct race_plane *plane, const struct race_giver *giver,
                          const struct race_recalled *theirs)
{
    struct race_received *received = received_from(plane, giver->part->number);
    uint64_t end = theirs->until > theirs->position ? theirs->until : theirs->position;
    if (received->number != giver->part->number || received->slot != giver->slot) {
        thread_clock_take_later(race_clock(plane)); /* what stands there */
        *received = (struct race_received){giver->part->number, giver->slot, giver->epoch, theirs->position, end};
        return;
    }
    received->epoch = giver->epoch > received->epoch ? giver->epoch : received->epoch;
    received->position = theirs->position > received->position ? theirs->position : received->position;
    received->end = end > received->end ? end : received->end;
}

/* The same when the flag's place in the giver's history is known: of that epoch, what was before it. */
static void receive_up_to(struct race_engine *engine, const struct race_plane *plane, const struct race_giver *giver,
                          const struct race_recalled *theirs)
{
    note_received(plane, giver, theirs);
    receive_epoch(plane, giver, giver->first - 1);
    take_in(engine, plane, giver);
    thread_clock_receive_later(race_clock(plane), giver->slot, giver->epoch);
}

/* All that the thread which has the plane now has done so far.  Entries may be moving down: race_trust.c. */
static void receive_all(struct race_engine *engine, const struct race_plane *plane, const struct race_part *part)
{
    struct race_giver giver = {.part = part, .slot = relaxed_load(&part->slot)};
    for (uint32_t g = RACE_GENERATIONS; g > 0; g--) {
        uint64_t epoch = relaxed_load(&part->generation[g].epoch);
        bool is_later = relaxed_load(&part->generation[g].slot) == giver.slot && epoch > giver.epoch;
        giver.epoch = is_later ? epoch : giver.epoch;
    }
    receive(engine, plane, &giver);
}

static const struct race_set *set_at(struct race_engine *engine, uint64_t address)
{
    const struct race_chunk *chunk = race_chunk_at(engine, address);
    uint32_t state = atomic_load_explicit(&chunk->state, memory_order_acquire); /* partner: race_chunk_unlock() */
    return race_set_get(engine, state >> RACE_STATE_SET);
}

/* Others than `known` may have stored there as well, and the latest store may be any of theirs. */
static void receive_of_others(struct race_engine *engine, const struct race_plane *plane,
                              const struct race_piece *piece, const struct race_part *known)
{
    const struct race_set *set = set_at(engine, piece->address);
    for (uint32_t i = 0; i < set->count; i++) {
        const struct race_part *other = race_part_at(engine, race_set_number(set, i));
        uint32_t g = bytes_load_one(other->writes + race_place(plane, piece->address)) >> 1;
        if (other != race_part(plane) && other != known && !race_generation_seen(engine, plane, other, g))
            receive_all(engine, plane, other);
    }
}

/* Returns: true when the thread of `part` may have read there in its present epoch: it will not look again before the next. */
static bool may_be_waiting(const struct race_plane *plane, const struct race_part *part, const struct race_piece *piece)
{
    uint32_t version = race_version_begin(part);
    uint32_t g = bytes_load_one(part->tags + race_place(plane, piece->address)) >> 1;
    bool is_present = g != 0 && g == relaxed_load(&part->present) && part->has_thread;
    return is_present && race_version_stands(part, version); /* after a renumbering it looks again */
}

/* Returns: the first thread from number *i of the set on that may wait there for what the present one stores, or NULL; *i is behind it. */
static const struct race_part *next_waiting(struct race_engine *engine, const struct race_plane *plane,
                                            const struct race_piece *piece, uint32_t *i)
{
    const struct race_set *set = set_at(engine, piece->address);
    while (*i < set->count) {
        const struct race_part *other = race_part_at(engine, race_set_number(set, (*i)++));
        if (other != race_part(plane) && may_be_waiting(plane, other, piece))
            return other;
    }
    return NULL;
}

static bool has_loaded(struct race_engine *engine, const struct race_part *other, const struct race_piece *piece)
{
    const struct race_host *host = &engine->host;
    uint64_t epoch = relaxed_load(&other->generation[relaxed_load(&other->present)].epoch);
    struct race_recalled theirs = {0};
    if (other->plane != NULL)
        host->recall(host->ctx, other->plane, epoch, UINT64_MAX, piece->address, piece->size, false, &theirs);
    return theirs.found && is_deciding_load(theirs.flags);
}

/* A race was met with one who hands nothing over: who waits there is not come to any more.  Returns: whether somebody does. */
static bool adopt_awaited(struct race_engine *engine, struct race_plane *plane, const struct race_piece *piece)
{
    const struct race_part *other;
    for (uint32_t i = 0; is_store(piece->flags) && (other = next_waiting(engine, plane, piece, &i)) != NULL;) {
        if (has_loaded(engine, other, piece)) {
            race_sync_adopt(engine, plane, piece, other->number);
            return true;
        }
    }
    return false;
}

/* Until the place became a sync address the giver may have stored there again unseen, in the same epoch, and handed over what it had
 * done since it was asked about. */
static void receive_end(struct race_engine *engine, const struct race_plane *plane, const struct race_piece *piece,
                        const struct race_giver *giver)
{
    const struct race_host *host = &engine->host;
    struct race_received *received = received_from(plane, giver->part->number);
    struct race_recalled now = {0};
    if (giver->is_open && giver->part->plane != NULL) {
        host->recall(host->ctx, giver->part->plane, giver->first, giver->epoch, piece->address, 1, true, &now);
        received->end = now.found && now.until > received->end ? now.until : received->end;
    }
}

bool race_hand_over_note(struct race_engine *engine, struct race_plane *plane, const struct race_piece *piece,
                         const struct race_giver *giver, const struct race_recalled *theirs)
{
    if ((piece->address & 7) + piece->size > 8)
        return false;
    if (!theirs->found) {
        /* What stored there, and so what was before it, is not known any more. */
        race_hand_over_blind(engine, plane, piece, giver->part);
        if (is_deciding_load(piece->flags))
            race_sync_adopt(engine, plane, piece, 0);
        return is_deciding_load(piece->flags);
    }
    bool receives = hands_over(piece->flags, theirs->flags);
    bool sends = hands_over(theirs->flags, piece->flags);
    if (!receives && !sends)
        return adopt_awaited(engine, plane, piece);
    if (receives) {
        receive_up_to(engine, plane, giver, theirs);
        receive_of_others(engine, plane, piece, giver->part);
    }
    /* Others may have counted before, each ordered with the last by the lock alone. */
    race_sync_adopt(engine, plane, piece, is_counter(theirs->flags) ? 0 : giver->part->number);
    if (receives)
        receive_end(engine, plane, piece, giver);
    return true;
}

void race_hand_over_blind(struct race_engine *engine, const struct race_plane *plane, const struct race_piece *piece,
                          const struct race_part *other)
{
    if (is_deciding_load(piece->flags))
        receive_all(engine, plane, other);
    else if (is_store(piece->flags) && next_waiting(engine, plane, piece, &(uint32_t){0}) != NULL)
        race_trust_part(engine, race_part(plane)); /* others than that one are not come to any more */
}

void race_hand_over_awaited(struct race_engine *engine, struct race_plane *plane, const struct race_part *other,
                            const struct race_piece *piece)
{
    if ((piece->address & 7) + piece->size <= 8 && may_be_waiting(plane, other, piece) &&
        race_generation_seen(engine, plane, other, relaxed_load(&other->present)))
        race_sync_adopt(engine, plane, piece, other->number);
}

void race_hand_over_stored(struct race_engine *engine, const struct race_plane *plane, const struct race_part *other,
                           const struct race_piece *piece)
{
    uint32_t version = race_version_begin(other);
    uint32_t g = bytes_load_one(other->writes + race_place(plane, piece->address)) >> 1;
    if (g == 0 || (g <= race_generation_known(plane, other, version) && race_version_stands(other, version)))
        return;
    const struct race_giver giver = {
        .part = other, .slot = relaxed_load(&other->generation[g].slot), .epoch = race_generation_end(other, g)};
    bool is_seen = race_generation_seen(engine, plane, other, g);
    bool is_present = g >= relaxed_load(&other->present);
    if (!race_version_stands(other, version))
        receive_all(engine, plane, other);
    else if (is_seen && (is_present || !thread_clock_has_seen(race_clock(plane), giver.slot, giver.epoch)))
        receive(engine, plane, &giver);
}

void race_hand_over_forget(struct race_part *part)
{
    for (uint32_t i = 0; i < RACE_RECEIVED; i++)
        part->received[i] = (struct race_received){0};
}

enum race_handed_over race_hand_over_covers(const struct race_plane *plane, const struct race_giver *giver,
                                            const struct race_recalled *theirs)
{
    const struct race_received *received = received_from(plane, giver->part->number);
    if (received->number != giver->part->number)
        return RACE_NOT_HANDED;
    if (!theirs->found) {
        bool was_by_then = giver->slot == received->slot && giver->first <= received->epoch;
        return was_by_then ? RACE_HANDED_OVER : RACE_NOT_HANDED;
    }
    if (theirs->position >= received->end)
        return RACE_NOT_HANDED;
    return theirs->position < received->position ? RACE_HANDED_OVER : RACE_PERHAPS_HANDED;
}
