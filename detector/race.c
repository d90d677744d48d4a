#include "detector/race.h"

#include "detector/prefetch.h"
#include "detector/race_chunk.h"
#include "detector/race_freed.h"
#include "detector/race_frontier.h"
#include "detector/race_generation.h"
#include "detector/race_hand_over.h"
#include "detector/race_hybrid.h"
#include "detector/race_record.h"
#include "detector/race_shared.h"
#include "detector/race_sync.h"
#include "detector/race_touched.h"

enum { FETCHED = 4 /* others whose tags are fetched beforehand */ };

/* ---- looking at the others -------------------------------------------------------------------------------------- */

/* Looks for a tag in `word` that `plane`'s thread has not seen.  Returns: its place, or 8. */
static size_t first_unseen(const struct race_engine *engine, const struct race_plane *plane,
                           const struct race_part *part, uint64_t word)
{
    uint8_t known = 0, highest = 0;
    for (size_t i = 0; i < 8; i++, word >>= 8) {
        uint8_t g = (uint8_t)word >> 1;
        if (g != known && g != 0) {
            if (!race_generation_seen(engine, plane, part, g))
                return i;
            known = g;
            highest = g > highest ? g : highest;
        }
    }
    race_generation_learn(engine, plane, part, highest);
    return 8;
}

/* Returns: true when a tag of `other` in the piece, of a generation above `known`, seems to race; then it is in *met. */
static bool meets_above(const struct race_engine *engine, const struct race_plane *plane, const struct race_part *other,
                        uint8_t known, const struct race_piece *piece, struct race_met *met)
{
    const uint8_t *window = (piece->flags & RACE_WRITE) != 0 ? other->tags : other->writes;
    const uint8_t *at = window + race_place(plane, piece->address);
    uint64_t last = 0;
    for (size_t done = 0; done < piece->size; done += 8) {
        size_t left = piece->size - done;
        uint64_t word = left >= 8 ? bytes_load(at + done) : bytes_load_few(at + done, left);
        if (word == last || !bytes_any_above(word >> 1 & BYTES_EACH(0x7f), known))
            continue;
        size_t i = first_unseen(engine, plane, other, word);
        if (i < 8) {
            met->number = other->number;
            met->address = piece->address + done + i;
            return true;
        }
        last = word;
    }
    return false;
}

static bool meets(const struct race_engine *engine, const struct race_plane *plane, const struct race_part *other,
                  const struct race_piece *piece, struct race_met *met)
{
    uint32_t version = race_version_begin(other);
    uint8_t known = race_generation_known(plane, other, version);
    if (meets_above(engine, plane, other, known, piece, met))
        return true;
    bool counts = known == 0 || race_version_stands(other, version);
    return !counts && meets_above(engine, plane, other, 0, piece, met);
}

/* Of a vector each word may race with another access of the same thread.  Returns: whether one does. */
static bool meets_any(struct race_engine *engine, struct race_plane *plane, const struct race_part *other,
                      struct race_chunk *chunk, const struct race_piece *piece)
{
    enum { MET_MOST = 8 };
    struct race_piece rest = *piece;
    struct race_met met = {0};
    bool found = false;
    for (unsigned i = 0; i < MET_MOST && rest.size > 0 && meets(engine, plane, other, &rest, &met); i++) {
        if ((piece->flags & RACE_QUIET) != 0)
            return true;
        found |= race_found(engine, plane, chunk, piece, &met);
        uint64_t done = ((met.address - rest.address) | 7) + 1;
        rest.address += done < rest.size ? done : rest.size;
        rest.size -= done < rest.size ? done : rest.size;
    }
    return found;
}

/* Returns: whether member `i` is another plane, of which the access of `plane` may meet something. */
static inline bool concerns(const struct race_set *set, uint32_t i, const struct race_plane *plane, bool writes)
{
    return race_set_number(set, i) != plane->number && (writes || race_set_writes(set, i));
}

bool race_check(struct race_engine *engine, struct race_plane *plane, struct race_chunk *chunk, uint32_t state,
                const struct race_piece *piece)
{
    const struct race_set *set = race_set_get(engine, state >> RACE_STATE_SET);
    bool writes = (piece->flags & RACE_WRITE) != 0, found = false;
    for (uint32_t i = 0; i < set->count; i++) {
        if (concerns(set, i, plane, writes)) {
            const struct race_part *other = race_part_at(engine, race_set_number(set, i));
            race_hand_over_look(engine, plane, other, piece);
            found |= meets_any(engine, plane, other, chunk, piece);
        }
    }
    return found;
}

/* ---- an access -------------------------------------------------------------------------------------------------- */

/* What will be looked at behind the fence, which waits for the own tags to arrive, comes at the same time as those. */
static void fetch_tags_of_others(const struct race_engine *engine, const struct race_plane *plane, uint32_t state,
                                 const struct race_piece *piece)
{
    const struct race_set *set = race_set_get(engine, state >> RACE_STATE_SET);
    bool writes = (piece->flags & RACE_WRITE) != 0;
    for (uint32_t i = 0; i < set->count && i < FETCHED; i++) {
        if (concerns(set, i, plane, writes)) {
            const struct race_part *other = race_part_at(engine, race_set_number(set, i));
            __builtin_prefetch((writes ? other->tags : other->writes) + race_place(plane, piece->address));
        }
    }
}

/* Returns: true when the frontiers of a shared chunk say that all was seen.  With --races=hybrid locks count for each access. */
static bool passes(struct race_engine *engine, const struct race_plane *plane, const struct race_chunk *chunk,
                   const struct race_piece *piece)
{
    /* acquire: its frontiers; partner: race_chunk_share() */
    uint32_t who = atomic_load_explicit(&chunk->who, memory_order_acquire);
    if (engine->hidden_trusted != NULL || who != race_shared_word(engine, piece->address))
        return false;
    enum race_passing passing = race_frontier_pass(engine, plane, chunk, piece);
    if (passing == RACE_PASSED)
        race_visit_met_others(race_part(plane), piece->address, relaxed_load(&chunk->state));
    return passing != RACE_NOT_PASSED;
}

static bool check_bytes(struct race_engine *engine, struct race_plane *plane, struct race_chunk *chunk,
                        const struct race_piece *piece)
{
    fetch_tags_of_others(engine, plane, relaxed_load(&chunk->state), piece);
    /* Record, then look who is there by now: of two at once, one sees the other's tag.  seq_cst: a store and then loads. */
    atomic_thread_fence(memory_order_seq_cst);
    uint32_t state = atomic_load_explicit(&chunk->state, memory_order_acquire); /* partner: race_chunk_unlock() */
    if (__builtin_expect(engine->hidden_trusted != NULL, 0))
        return race_hybrid_check(engine, plane, chunk, state, piece);
    return race_check(engine, plane, chunk, state, piece);
}

static bool access_bytes(struct race_engine *engine, struct race_plane *plane, struct race_chunk *chunk,
                         const struct race_piece *piece, bool records)
{
    if (records) {
        race_record(plane, piece);
        if (passes(engine, plane, chunk, piece))
            return false;
    }
    return check_bytes(engine, plane, chunk, piece);
}

/* A piece of one granule in a chunk with sync addresses.  `recorded`: when it was none, a moment ago, tags were set.
 * What becomes sync meanwhile is to have no tags: they would hide from the thread what it is to acquire there. */
static bool access_granule(struct race_engine *engine, struct race_plane *plane, struct race_chunk *chunk,
                           const struct race_piece *piece, bool recorded)
{
    struct race_part *part = race_part(plane);
    for (;;) {
        /* acquire: what has become one by then is found; partner: race_become_sync() */
        uint32_t becomings = atomic_load_explicit(&engine->becomings, memory_order_acquire);
        bool spilled = (relaxed_load(&chunk->state) & RACE_STATE_SPILLED) != 0;
        bool is_sync = race_sync_access(engine, plane, piece, spilled);
        bool records = !is_sync && !race_sync_is_place(engine, piece);
        if (recorded && !records)
            race_unrecord(part, piece->address, piece->size);
        if (is_sync)
            return false;
        /* The granule before it may have been the one with which generations were used up. */
        race_touch_piece(part, piece);
        bool found = access_bytes(engine, plane, chunk, piece, records);
        if (relaxed_load(&engine->becomings) == becomings)
            return found;
        recorded = records;
    }
}

/* In a chunk with sync addresses: granule by granule. */
static bool access_granules(struct race_engine *engine, struct race_plane *plane, struct race_chunk *chunk,
                            const struct race_piece *piece, bool recorded)
{
    bool found = false;
    struct race_piece part = {.address = piece->address, .flags = piece->flags};
    uint64_t end = piece->address + piece->size;
    for (; part.address < end; part.address += part.size) {
        uint64_t granule_end = (part.address & ~(uint64_t)7) + 8;
        part.size = (size_t)((granule_end < end ? granule_end : end) - part.address);
        found |= (part.flags & RACE_FREE) != 0 && race_freed_leave(engine, plane, &part, !found);
        found |= access_granule(engine, plane, chunk, &part, recorded);
    }
    return found;
}

/* Returns: whether the set has the plane in it, marked if it `writes`.  Sets never change. */
static inline bool is_in_set(const struct race_engine *engine, struct race_part *part, uint32_t set, bool writes)
{
    uint32_t *covered = &part->covered[set % RACE_COVERED];
    if (set != 0 && *covered >> 1 == set && (*covered & 1) >= writes)
        return true;
    const struct race_set *members = race_set_get(engine, set);
    if (!race_set_covers(members, part->number, writes))
        return false;
    *covered = set << 1 | race_set_covers(members, part->number, true);
    return true;
}

bool race_shared_rest(struct race_engine *engine, struct race_plane *plane, const struct race_shared *shared,
                      const struct race_piece *piece, bool is_behind)
{
    bool found = !is_behind && check_bytes(engine, plane, shared->chunk, piece);
    if (race_shared_became(engine, shared))
        found |= access_granules(engine, plane, shared->chunk, piece, true);
    return found;
}

void race_shared_touch(struct race_engine *engine, struct race_part *part, const struct race_piece *piece)
{
    if (!race_is_touched(part, piece->address))
        (void)race_mark(engine, part, piece); /* it may be here still from before its plane was emptied */
    race_touch_piece(part, piece);
}

static bool access_chunk(struct race_engine *engine, struct race_plane *plane, const struct race_piece *piece)
{
    struct race_part *part = race_part(plane);
    struct race_chunk *chunk = race_chunk_at(engine, piece->address);
    uint32_t who = relaxed_load(&chunk->who);
    if (who == race_owner_word(plane, piece->address)) {
        race_record(plane, piece);
        who = relaxed_load(&chunk->who); /* somebody may take it just now, and not have seen the tags */
        if (who == race_owner_word(plane, piece->address))
            return false;
    }
    if ((piece->flags & RACE_FREE) != 0 && piece->size == RACE_CHUNK_BYTES &&
        !race_word_is_of(engine, who, piece->address))
        return false; /* the midst of a large block, never used: no need to fill the planes with it */
    uint32_t state = atomic_load_explicit(&chunk->state, memory_order_acquire); /* partner: race_chunk_unlock() */
    bool takes_part = who == race_shared_word(engine, piece->address) &&
                      is_in_set(engine, part, state >> RACE_STATE_SET, (piece->flags & RACE_WRITE) != 0);
    bool is_alone = state >> RACE_STATE_SET == part->alone; /* it had the chunk, and left it to all */
    uint32_t index = race_chunk_index(part, piece->address);
    bool tries = (race_visit(part, index, state) || is_alone) && (state & RACE_STATE_SYNC) == 0;
    if (tries && (state & RACE_STATE_VAIN) != 0 && who == race_shared_word(engine, piece->address) &&
        race_frontier_unseen(engine, plane, chunk)) {
        tries = false;
        race_visit_tried(part, index, false);
    }
    if (!takes_part || tries) {
        state = race_chunk_enter(engine, plane, chunk, piece, tries);
        if (tries)
            race_visit_tried(part, index, race_chunk_is_owned(engine, part, chunk));
    } else {
        race_shared_touch(engine, part, piece);
    }
    if ((state & RACE_STATE_SYNC) != 0)
        return access_granules(engine, plane, chunk, piece, false);
    const struct race_shared shared = {.chunk = chunk};
    race_record(plane, piece);
    return race_shared_rest(engine, plane, &shared, piece, passes(engine, plane, chunk, piece));
}

/* A handler's access while its thread is in here: when it may synchronise, that is lost. */
static void turn_away(struct race_engine *engine, struct race_part *part, uint64_t address, uint64_t size)
{
    uint64_t end = address + size;
    for (uint64_t at = address; at < end && !part->turned_away; at = (at | (RACE_CHUNK_BYTES - 1)) + 1)
        part->turned_away = (relaxed_load(&race_chunk_at(engine, at)->state) & RACE_STATE_SYNC) != 0;
}

bool race_fetch(const struct race_engine *engine, const struct race_plane *plane, uint64_t address, bool writes)
{
    const struct race_part *part = race_part(plane);
    size_t place = race_place(plane, address);
    const struct race_chunk *chunk = &engine->chunks[place >> RACE_CHUNK_SHIFT];
    uint32_t word = (uint32_t)(place >> RACE_LINE_SHIFT) / 64;
    if (relaxed_load(&chunk->who) != race_shared_word(engine, address))
        return false;
    prefetch_write(race_frontier_at(engine, place));
    prefetch_write(&part->touched[word]);
    if (writes) {
        prefetch_write(plane->writes + place);
        prefetch_write(&part->written[word]);
    }
    return (relaxed_load(&chunk->state) & RACE_STATE_SYNC) != 0;
}

bool race_access(struct race_engine *engine, struct race_plane *plane, uint64_t address, uint64_t size, uint32_t flags)
{
    struct race_part *part = race_part(plane);
    if (!race_enter(part)) {
        turn_away(engine, part, address, size);
        return false;
    }
    relaxed_count(&part->tally.accesses);
    part->changing = 0;
    race_sync_settle(engine, plane);
    bool found = false;
    while (size > 0) {
        uint64_t here = RACE_CHUNK_BYTES - (address & (RACE_CHUNK_BYTES - 1));
        here = here < size ? here : size;
        struct race_piece piece = {.address = address, .size = (size_t)here, .flags = flags};
        found |= access_chunk(engine, plane, &piece);
        address += here;
        size -= here;
    }
    race_leave(engine, part);
    return found;
}
