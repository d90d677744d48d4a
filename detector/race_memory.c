#include "detector/race_memory.h"

#include "detector/race_ahead.h"
#include "detector/race_chunk.h"
#include "detector/race_frontier.h"
#include "detector/race_hybrid.h"

enum { RETURNED_LEAST = 1 << 16 /* bytes: less is not worth the calls */ };

/* ---- the budget ------------------------------------------------------------------------------------------------- */

bool race_memory_is_spent(const struct race_engine *engine, const struct race_part *part)
{
    uint64_t pages = relaxed_load(&engine->pages);
    return engine->host.budget != 0 && pages * 2 * RACE_PAGE > engine->host.budget &&
           relaxed_load(&part->pages) >= pages / relaxed_load(&engine->last_number);
}

void race_memory_unmark(struct race_engine *engine, struct race_part *part)
{
    engine->host.discard(engine->host.ctx, part->marked, race_chunk_count(engine) / 8);
    atomic_fetch_sub_explicit(&engine->pages, relaxed_load(&part->pages), memory_order_relaxed); /* a measure */
    relaxed_store(&part->pages, 0);
    race_ahead_forget(part);
}

void race_memory_drop(struct race_engine *engine, struct race_plane *plane)
{
    race_chunk_leave_all(engine, plane);
    engine->host.empty(engine->host.ctx, plane);
    race_memory_unmark(engine, race_part(plane));
    race_hybrid_trust_all(engine);
    race_count(&engine->forgotten);
}

/* ---- giving back ------------------------------------------------------------------------------------------------ */

/* Returns: true when no chunk in [low, high) holds history of another address. */
static bool is_of_none_other(struct race_engine *engine, uint64_t low, uint64_t high)
{
    for (uint64_t at = low; at < high; at += RACE_CHUNK_BYTES) {
        uint32_t who = relaxed_load(&race_chunk_at(engine, at)->who);
        if (who != 0 && !race_word_is_of(engine, who, at))
            return false;
    }
    return true;
}

/* Whole pages of a window within [window + low, window + high), whose pages are not those of the program. */
static void discard_within(const struct race_engine *engine, uint8_t *window, uint32_t low, uint64_t size)
{
    uintptr_t begin = ((uintptr_t)window + low + RACE_PAGE - 1) & ~(uintptr_t)(RACE_PAGE - 1);
    uintptr_t end = ((uintptr_t)window + low + size) & ~(uintptr_t)(RACE_PAGE - 1);
    if (begin < end)
        engine->host.discard(engine->host.ctx, (void *)begin, end - begin);
}

static bool is_marked(const struct race_part *part, uint64_t low, uint64_t high)
{
    for (uint64_t at = low; at < high; at += 64 * RACE_CHUNK_BYTES)
        if (part->marked[race_chunk_index(part, at) / 64] != 0)
            return true;
    return part->marked[race_chunk_index(part, high - 1) / 64] != 0;
}

static void give_back(struct race_engine *engine, const struct race_part *keeper, uint64_t low, uint64_t high)
{
    /* acquire: the parts up to it; partner: race_plane_begin() */
    uint32_t last = atomic_load_explicit(&engine->last_number, memory_order_acquire);
    for (uint32_t i = 1; i <= last; i++) {
        const struct race_part *part = race_part_at(engine, i);
        if (part != NULL && part != keeper && is_marked(part, low, high)) {
            discard_within(engine, part->tags, (uint32_t)low & engine->window, high - low);
            discard_within(engine, part->writes, (uint32_t)low & engine->window, high - low);
        }
    }
}

struct race_returned race_memory_return(struct race_engine *engine, const struct race_part *keeper, uint64_t low,
                                        uint64_t high)
{
    bool is_one_piece = low < high && ((low ^ (high - 1)) & ~(uint64_t)engine->window) == 0; /* in the windows */
    if (!is_one_piece || high - low < RETURNED_LEAST || !is_of_none_other(engine, low, high))
        return (struct race_returned){0, 0};
    give_back(engine, keeper, low, high);
    if (keeper == NULL)
        race_frontier_return(engine, low, high);
    /* A window does not begin with a page: up to one at each end stays. */
    return (struct race_returned){low + RACE_PAGE, high - RACE_PAGE};
}
