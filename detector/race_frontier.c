#include "detector/race_frontier.h"

#include "detector/race_chunk.h"
#include "detector/race_generation.h"
#include "detector/race_set.h"

enum { PLACE_SHIFT = 4, PLACE_BYTES = 1 << PLACE_SHIFT, PLACES = RACE_CHUNK_BYTES / PLACE_BYTES, SLOT_SHIFT = 48 };

/* Where readers are not ordered one access in so many looks whether they are by now, for each thread that it looks at. */
enum { READERS_TRIED = 16 };

/* A frontier is a slot << SLOT_SHIFT | epoch, of which 0 is seen by all, or a value with no slot of those: */
#define NONE      (UINT64_MAX - 1) /* accesses are not ordered, or not known to be */
#define READERS   UINT64_MAX       /* the same, and the latest that found it was a reader */
#define BEGINNING (UINT64_MAX - 2) /* what the owner did is not looked up yet */
#define NO_SLOT   (RACE_SLOTS - 1)

static size_t frontiers_size(const struct race_engine *engine)
{
    return ((size_t)engine->window + 1) / PLACE_BYTES * sizeof(uint64_t);
}

bool race_frontiers_init(struct race_engine *engine)
{
    engine->frontiers = engine->host.reserve(engine->host.ctx, frontiers_size(engine));
    return engine->frontiers != NULL;
}

void race_frontiers_delete(struct race_engine *engine)
{
    if (engine->frontiers != NULL) {
        engine->host.release(engine->host.ctx, (void *)engine->frontiers, frontiers_size(engine));
    }
}

static uint64_t stamp(uint32_t slot, uint64_t epoch)
{
    return slot < NO_SLOT ? (uint64_t)slot << SLOT_SHIFT | epoch : NONE;
}

static bool is_known(uint64_t frontier)
{
    return frontier >> SLOT_SHIFT < NO_SLOT;
}

static bool is_seen(const struct thread_clock *clock, uint64_t frontier)
{
    return is_known(frontier) && thread_clock_has_seen(clock, (uint32_t)(frontier >> SLOT_SHIFT),
                                                       frontier & ((UINT64_C(1) << SLOT_SHIFT) - 1));
}

/* ---- a look at the others --------------------------------------------------------------------------------------- */

/* Returns: whether the thread has seen, by its clock, all that `other` did up to generation `g`, which a tag names. */
static bool has_seen_generation(const struct race_engine *engine, const struct race_plane *plane,
                                const struct race_part *other, uint8_t g)
{
    if (g == relaxed_load(&other->present)) {
        return thread_clock_has_seen(race_clock(plane), relaxed_load(&other->generation[g].slot),
                                     relaxed_load(&other->generation[g].epoch));
    }
    race_generation_learn(engine, plane, other, g);
    return race_generation_known(plane, other, race_version_begin(other)) >= g;
}

static uint8_t highest_generation(uint64_t tags)
{
    uint8_t highest = 0;
    for (; tags != 0; tags >>= 8) {
        highest = (uint8_t)tags > highest ? (uint8_t)tags : highest;
    }
    return highest >> 1;
}

static bool has_seen_tags(const struct race_engine *engine, const struct race_plane *plane,
                          const struct race_part *other, const uint8_t *at)
{
    uint32_t version = race_version_begin(other);
    uint8_t known = race_generation_known(plane, other, version);
    for (uint32_t i = 0; i < PLACE_BYTES; i += 8) {
        uint64_t tags = bytes_load(at + i);
        if (bytes_any_above(tags >> 1 & BYTES_EACH(0x7f), known) &&
            !has_seen_generation(engine, plane, other, highest_generation(tags))) {
            return false;
        }
    }
    return race_version_stands(other, version);
}

/* What the first window says is enough: whoever has seen a thread's later read has seen its earlier write. */
static bool has_seen_all(const struct race_engine *engine, const struct race_plane *plane,
                         const struct race_chunk *chunk, uint64_t place)
{
    uint32_t state = atomic_load_explicit(&chunk->state, memory_order_acquire); /* partner: race_chunk_unlock() */
    const struct race_set *set = race_set_get(engine, state >> RACE_STATE_SET);
    for (uint32_t i = 0; i < set->count; i++) {
        const struct race_part *other = race_part_at(engine, race_set_number(set, i));
        if (other->number != plane->number &&
            !has_seen_tags(engine, plane, other, other->tags + race_place(plane, place))) {
            return false;
        }
    }
    return true;
}

/* ---- one place -------------------------------------------------------------------------------------------------- */

/* Returns: whether a reader looks if those before it are ordered by now. */
static bool tries_again(const struct race_engine *engine, const struct race_part *part, const struct race_chunk *chunk)
{
    uint32_t members = race_set_get(engine, relaxed_load(&chunk->state) >> RACE_STATE_SET)->count;
    return part->tally.accesses % (READERS_TRIED * (members + 1)) == 0;
}

/* All exchanges are seq_cst: the own tags come before them, and what is looked at behind. */
static enum race_passing pass_place(const struct race_engine *engine, const struct race_plane *plane,
                                    const struct race_chunk *chunk, uint64_t place, bool writes)
{
    const struct thread_clock *clock = race_clock(plane);
    _Atomic uint64_t *frontier = &engine->frontiers[race_place(plane, place) >> PLACE_SHIFT];
    uint64_t mine = stamp(clock->slot, clock->epoch), before = relaxed_load(frontier);
    if (is_seen(clock, before) && atomic_compare_exchange_strong(frontier, &before, mine)) {
        return before >> SLOT_SHIFT == clock->slot ? RACE_PASSED_OWN : RACE_PASSED;
    }
    uint64_t otherwise = writes ? NONE : READERS;
    bool looks = !is_known(before) && (writes || tries_again(engine, race_part(plane), chunk));
    if (!looks) {
        if (before != otherwise) {
            atomic_exchange(frontier, otherwise);
        }
        return RACE_NOT_PASSED;
    }
    atomic_exchange(frontier, mine);
    if (has_seen_all(engine, plane, chunk, place)) {
        return RACE_PASSED;
    }
    atomic_compare_exchange_strong(frontier, &mine, otherwise);
    return RACE_NOT_PASSED;
}

enum race_passing race_frontier_pass(struct race_engine *engine, const struct race_plane *plane,
                                     const struct race_chunk *chunk, const struct race_piece *piece)
{
    enum race_passing passing = RACE_PASSED_OWN;
    uint64_t end = piece->address + piece->size;
    for (uint64_t at = piece->address & ~(uint64_t)(PLACE_BYTES - 1); at < end; at += PLACE_BYTES) {
        enum race_passing here = pass_place(engine, plane, chunk, at, (piece->flags & RACE_WRITE) != 0);
        passing = here < passing ? here : passing;
    }
    return passing;
}

/* ---- a chunk ---------------------------------------------------------------------------------------------------- */

static _Atomic uint64_t *first_of(const struct race_engine *engine, const struct race_chunk *chunk)
{
    return &engine->frontiers[(size_t)(chunk - engine->chunks) * PLACES];
}

bool race_frontier_unseen(const struct race_engine *engine, const struct race_plane *plane,
                          const struct race_chunk *chunk)
{
    const _Atomic uint64_t *first = first_of(engine, chunk);
    for (uint32_t i = 0; i < PLACES; i++) {
        uint64_t frontier = relaxed_load(&first[i]);
        if (is_known(frontier) && !is_seen(race_clock(plane), frontier)) {
            return true;
        }
    }
    return false;
}

static void fill(const struct race_engine *engine, const struct race_chunk *chunk, uint64_t frontier)
{
    _Atomic uint64_t *first = first_of(engine, chunk);
    for (uint32_t i = 0; i < PLACES; i++) {
        relaxed_store(&first[i], frontier);
    }
}

/* Returns: false when what an owner has seen of others may be seen for other reasons. */
static bool has_seen_by_clocks(const struct race_engine *engine)
{
    return relaxed_load(&engine->trusts) == 0;
}

/* Returns: the latest generation of the tags. */
static uint8_t latest_generation(const uint8_t *tags, uint32_t size)
{
    uint8_t latest = 0;
    for (uint32_t i = 0; i < size; i += 8) {
        uint64_t word = bytes_load(tags + i);
        if (bytes_any_above(word >> 1 & BYTES_EACH(0x7f), latest)) {
            latest = highest_generation(word);
        }
    }
    return latest;
}

static const uint8_t *tags_of_chunk(const struct race_engine *engine, const struct race_chunk *chunk,
                                    const struct race_part *part)
{
    return part->tags + (size_t)(chunk - engine->chunks) * RACE_CHUNK_BYTES;
}

/* In the first place, as no frontier: the owner's generation then, and which numbering that is of. */
void race_frontier_own(const struct race_engine *engine, const struct race_plane *plane, const struct race_chunk *chunk)
{
    const struct race_part *part = race_part(plane);
    uint64_t since = (uint64_t)relaxed_load(&part->version) << 8 | relaxed_load(&part->present);
    relaxed_store(first_of(engine, chunk), ~since);
}

static uint64_t since_when(const struct race_engine *engine, const struct race_chunk *chunk)
{
    return ~relaxed_load(first_of(engine, chunk));
}

bool race_frontier_owned_in_vain(const struct race_engine *engine, const struct race_chunk *chunk,
                                 const struct race_part *owner)
{
    uint64_t since = since_when(engine, chunk);
    return since >> 8 == relaxed_load(&owner->version) &&
           latest_generation(tags_of_chunk(engine, chunk, owner), RACE_CHUNK_BYTES) <= (uint8_t)since;
}

/* Whoever has seen what the owner did in the generation has seen what that had seen of others; of none, 0, there is nothing to see. */
static uint64_t frontier_of(const struct race_part *owner, uint8_t generation)
{
    return generation == 0
               ? 0
               : stamp(relaxed_load(&owner->generation[generation].slot), race_generation_end(owner, generation));
}

bool race_frontier_owner_is_seen(const struct race_engine *engine, const struct race_plane *plane,
                                 const struct race_chunk *chunk, const struct race_part *owner)
{
    uint32_t version = race_version_begin(owner);
    uint8_t latest = latest_generation(tags_of_chunk(engine, chunk, owner), RACE_CHUNK_BYTES);
    return is_seen(race_clock(plane), frontier_of(owner, latest)) && race_version_stands(owner, version);
}

/* Returns: the generation behind which nobody but the owner was in the chunk; RACE_GENERATIONS when it is not known. */
static uint8_t owned_since(const struct race_engine *engine, const struct race_chunk *chunk, uint32_t state,
                           const struct race_part *owner)
{
    if (race_set_get(engine, state >> RACE_STATE_SET)->count == 1) {
        return 0;
    }
    uint64_t since = (state & RACE_STATE_TIMED) != 0 ? since_when(engine, chunk) : UINT64_MAX;
    return since >> 8 == relaxed_load(&owner->version) ? (uint8_t)since : RACE_GENERATIONS;
}

struct race_frontier_start race_frontier_begin(const struct race_engine *engine, const struct race_chunk *chunk,
                                               uint32_t state, const struct race_part *owner)
{
    bool is_sure = owner != NULL && has_seen_by_clocks(engine) && (state & RACE_STATE_CLEARED) == 0;
    struct race_frontier_start start = {is_sure ? owner : NULL, is_sure ? owned_since(engine, chunk, state, owner) : 0};
    fill(engine, chunk, is_sure ? BEGINNING : owner == NULL ? 0 : NONE);
    return start;
}

/* Returns: the frontier of a place where the owner was last in generation `g`, and in the chunk in `latest`, by which it has seen what
 * others did where it was not. */
static uint64_t frontier_behind(struct race_frontier_start start, uint8_t g, uint8_t latest)
{
    if (g <= start.since && start.since != 0) {
        return latest == 0 ? NONE : frontier_of(start.owner, latest);
    }
    return frontier_of(start.owner, g);
}

void race_frontier_set_behind(const struct race_engine *engine, const struct race_chunk *chunk,
                              struct race_frontier_start start)
{
    if (start.owner == NULL) {
        return;
    }
    /* seq_cst: that it is shared comes before the look at what its owner did meanwhile */
    atomic_thread_fence(memory_order_seq_cst);
    _Atomic uint64_t *first = first_of(engine, chunk);
    const uint8_t *tags = tags_of_chunk(engine, chunk, start.owner);
    uint32_t version = race_version_begin(start.owner);
    uint8_t latest = latest_generation(tags, RACE_CHUNK_BYTES);
    for (uint32_t i = 0; i < PLACES; i++) {
        uint8_t g = latest_generation(tags + (size_t)i * PLACE_BYTES, PLACE_BYTES);
        uint64_t beginning = BEGINNING, frontier = frontier_behind(start, g, latest);
        if (race_version_stands(start.owner, version)) {
            (void)atomic_compare_exchange_strong(&first[i], &beginning, frontier);
        }
    }
}

void race_frontier_leave(struct race_engine *engine, const struct race_plane *plane, const struct race_chunk *chunk)
{
    bool is_sure = has_seen_by_clocks(engine);
    fill(engine, chunk, is_sure ? stamp(race_clock(plane)->slot, race_clock(plane)->epoch) : NONE);
}

void race_frontier_return(struct race_engine *engine, uint64_t low, uint64_t high)
{
    enum { UNIT = RACE_PAGE / sizeof(uint64_t) * PLACE_BYTES }; /* what a page is of */
    low = (low + UNIT - 1) & ~(uint64_t)(UNIT - 1);
    high &= ~(uint64_t)(UNIT - 1);
    if (low < high) {
        engine->host.discard(engine->host.ctx,
                             (void *)&engine->frontiers[((uint32_t)low & engine->window) >> PLACE_SHIFT],
                             (size_t)(high - low) / PLACE_BYTES * sizeof(uint64_t));
    }
}
