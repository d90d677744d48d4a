/* race_frontier_chunk.c: frontiers of a whole chunk: who had it for himself leaves some behind. */
#include "detector/bytes_wide.h"
#include "detector/race_chunk.h"
#include "detector/race_frontier_words.h"

/* ---- all of them ------------------------------------------------------------------------------------------------ */

static size_t frontiers_size(const struct race_engine *engine)
{
    return ((size_t)engine->window + 1) / RACE_FRONTIER_BYTES * sizeof(struct race_frontier);
}

bool race_frontiers_init(struct race_engine *engine)
{
    engine->frontiers = engine->host.reserve(engine->host.ctx, frontiers_size(engine));
    return engine->frontiers != NULL;
}

void race_frontiers_delete(struct race_engine *engine)
{
    if (engine->frontiers != NULL)
        engine->host.release(engine->host.ctx, (void *)engine->frontiers, frontiers_size(engine));
}

/* ---- a chunk ---------------------------------------------------------------------------------------------------- */

static struct race_frontier *first_of(const struct race_engine *engine, const struct race_chunk *chunk)
{
    return &engine->frontiers[(size_t)(chunk - engine->chunks) * FRONTIER_PLACES];
}

bool race_frontier_unseen(const struct race_engine *engine, const struct race_plane *plane,
                          const struct race_chunk *chunk)
{
    const struct race_frontier *first = first_of(engine, chunk);
    for (uint32_t i = 0; i < FRONTIER_PLACES; i++) {
        uint64_t frontier = relaxed_load(&first[i].latest);
        if (frontier_is_known(frontier) && !frontier_is_seen(race_clock(plane), frontier))
            return true;
    }
    return false;
}

static void fill(const struct race_engine *engine, const struct race_chunk *chunk, uint64_t frontier)
{
    struct race_frontier *first = first_of(engine, chunk);
    for (uint32_t i = 0; i < FRONTIER_PLACES; i++) {
        relaxed_store(&first[i].latest, frontier);
        relaxed_store(&first[i].written, frontier);
    }
}

/* Returns: false when what an owner has seen of others may be seen for other reasons. */
static bool has_seen_by_clocks(const struct race_engine *engine)
{
    return relaxed_load(&engine->trusts) == 0;
}

static const uint8_t *tags_of_chunk(const struct race_engine *engine, const struct race_chunk *chunk,
                                    const struct race_part *part)
{
    return part->tags + (size_t)(chunk - engine->chunks) * RACE_CHUNK_BYTES;
}

static uint8_t latest_in_chunk(const uint8_t *tags)
{
    return bytes_wide_highest(tags, RACE_CHUNK_BYTES) >> 1;
}

/* In the first place, as no frontier: the owner's generation then, and which numbering that is of. */
void race_frontier_own(const struct race_engine *engine, const struct race_plane *plane, const struct race_chunk *chunk)
{
    const struct race_part *part = race_part(plane);
    uint64_t since = (uint64_t)relaxed_load(&part->version) << 8 | relaxed_load(&part->present);
    relaxed_store(&first_of(engine, chunk)->latest, ~since);
}

static uint64_t since_when(const struct race_engine *engine, const struct race_chunk *chunk)
{
    return ~relaxed_load(&first_of(engine, chunk)->latest);
}

bool race_frontier_owned_in_vain(const struct race_engine *engine, const struct race_chunk *chunk,
                                 const struct race_part *owner)
{
    uint64_t since = since_when(engine, chunk);
    return since >> 8 == relaxed_load(&owner->version) &&
           latest_in_chunk(tags_of_chunk(engine, chunk, owner)) <= (uint8_t)since;
}

bool race_frontier_owner_is_seen(const struct race_engine *engine, const struct race_plane *plane,
                                 const struct race_chunk *chunk, const struct race_part *owner)
{
    uint32_t version = race_version_begin(owner);
    uint8_t latest = latest_in_chunk(tags_of_chunk(engine, chunk, owner));
    return frontier_is_seen(race_clock(plane), frontier_of(owner, latest)) && race_version_stands(owner, version);
}

/* Returns: the generation behind which nobody but the owner was in the chunk; RACE_GENERATIONS when it is not known. */
static uint8_t owned_since(const struct race_engine *engine, const struct race_chunk *chunk, uint32_t state,
                           const struct race_part *owner)
{
    if (race_set_get(engine, state >> RACE_STATE_SET)->count == 1)
        return 0;
    uint64_t since = (state & RACE_STATE_TIMED) != 0 ? since_when(engine, chunk) : UINT64_MAX;
    return since >> 8 == relaxed_load(&owner->version) ? (uint8_t)since : RACE_GENERATIONS;
}

struct race_frontier_start race_frontier_begin(const struct race_engine *engine, const struct race_chunk *chunk,
                                               uint32_t state, const struct race_part *owner)
{
    bool is_sure = owner != NULL && has_seen_by_clocks(engine) && (state & RACE_STATE_CLEARED) == 0;
    struct race_frontier_start start = {is_sure ? owner : NULL, is_sure ? owned_since(engine, chunk, state, owner) : 0};
    fill(engine, chunk, is_sure ? FRONTIER_BEGINNING : owner == NULL ? 0 : FRONTIER_NONE);
    return start;
}

/* Returns: the frontier of a place where the owner was last in generation `g`, and in the chunk in `latest`, by which it has seen what
 * others did where it was not. */
static uint64_t frontier_behind(struct race_frontier_start start, uint8_t g, uint8_t latest)
{
    if (g <= start.since && start.since != 0)
        return latest == 0 ? FRONTIER_NONE : frontier_of(start.owner, latest);
    return frontier_of(start.owner, g);
}

void race_frontier_set_behind(const struct race_engine *engine, const struct race_chunk *chunk,
                              struct race_frontier_start start)
{
    if (start.owner == NULL)
        return;
    /* seq_cst: that it is shared comes before the look at what its owner did meanwhile */
    atomic_thread_fence(memory_order_seq_cst);
    struct race_frontier *first = first_of(engine, chunk);
    const uint8_t *tags = tags_of_chunk(engine, chunk, start.owner),
                  *writes = tags - start.owner->tags + start.owner->writes;
    uint32_t version = race_version_begin(start.owner);
    uint8_t latest = latest_in_chunk(tags);
    for (uint32_t i = 0; i < FRONTIER_PLACES; i++) {
        uint8_t g = frontier_latest_in(tags + (size_t)i * RACE_FRONTIER_BYTES);
        uint8_t wrote = frontier_latest_in(writes + (size_t)i * RACE_FRONTIER_BYTES);
        struct frontier_words beginning = {FRONTIER_BEGINNING, FRONTIER_BEGINNING};
        uint64_t frontier = frontier_behind(start, g, latest), written = frontier_behind(start, wrote, latest);
        if (race_version_stands(start.owner, version))
            (void)frontier_exchange(&first[i], &beginning, frontier, written);
    }
}

void race_frontier_leave(struct race_engine *engine, const struct race_plane *plane, const struct race_chunk *chunk)
{
    bool is_sure = has_seen_by_clocks(engine);
    fill(engine, chunk, is_sure ? frontier_stamp(race_clock(plane)->slot, race_clock(plane)->epoch) : FRONTIER_NONE);
}

void race_frontier_return(struct race_engine *engine, uint64_t low, uint64_t high)
{
    enum { UNIT = RACE_PAGE / sizeof(struct race_frontier) * RACE_FRONTIER_BYTES }; /* what a page is of */
    low = (low + UNIT - 1) & ~(uint64_t)(UNIT - 1);
    high &= ~(uint64_t)(UNIT - 1);
    if (low < high) {
        engine->host.discard(engine->host.ctx,
                             (void *)&engine->frontiers[((uint32_t)low & engine->window) / RACE_FRONTIER_BYTES],
                             (size_t)(high - low) / RACE_FRONTIER_BYTES * sizeof(struct race_frontier));
    }
}
