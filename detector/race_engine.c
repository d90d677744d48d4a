#include "detector/race_engine.h"

#include "detector/race_chunk.h"
#include "detector/race_frontier.h"
#include "detector/race_generation.h"
#include "detector/race_granules.h"
#include "detector/race_hand_over.h"
#include "detector/race_hybrid.h"
#include "detector/race_memory.h"
#include "detector/race_said.h"
#include "detector/race_sync.h"
#include "detector/race_trust.h"

/* ---- the engine ------------------------------------------------------------------------------------------------- */

static size_t chunks_size(const struct race_engine *engine)
{
    return race_chunk_count(engine) * sizeof(struct race_chunk);
}

/* A word for 64 pages of chunks. */
static size_t used_size(const struct race_engine *engine)
{
    return (chunks_size(engine) / RACE_PAGE / 64 + 1) * sizeof(uint64_t);
}

static size_t sync_places_size(const struct race_engine *engine)
{
    return ((size_t)engine->window + 1) / 8;
}

static bool reserve_sync_places(struct race_engine *engine)
{
    if (engine->window == UINT32_MAX)
        return true;
    engine->sync_places = engine->host.reserve(engine->host.ctx, sync_places_size(engine));
    return engine->sync_places != NULL;
}

static bool engine_reserve(struct race_engine *engine)
{
    const struct race_host *host = &engine->host;
    engine->chunks = host->reserve(host->ctx, chunks_size(engine));
    engine->used = host->reserve(host->ctx, used_size(engine));
    engine->trusted = host->reserve(host->ctx, RACE_SLOTS * sizeof(uint64_t));
    if (engine->d->options.hybrid_races) {
        engine->hidden_trusted = host->reserve(host->ctx, RACE_SLOTS * sizeof(uint64_t));
        if (engine->hidden_trusted == NULL)
            return false;
    }
    return engine->chunks != NULL && engine->used != NULL && engine->trusted != NULL && reserve_sync_places(engine) &&
           race_frontiers_init(engine) && race_sets_init(engine) && race_granules_init(engine) &&
           race_said_init(engine);
}

static void call_here(void *ctx, void (*work)(void *arg), void *arg)
{
    (void)ctx;
    work(arg);
}

struct race_engine *race_engine_new(struct detector *d, const struct race_host *host)
{
    struct race_engine *engine = host->reserve(host->ctx, sizeof *engine);
    if (engine == NULL)
        return NULL;
    engine->d = d;
    engine->host = *host;
    unsigned bits = host->window_bits == 0 ? 32 : host->window_bits;
    engine->window = (uint32_t)((UINT64_C(1) << bits) - 1);
    engine->high = ~(uint32_t)((UINT64_C(1) << (bits - RACE_HIGH_SHIFT)) - 1);
    if (engine->host.apart == NULL)
        engine->host.apart = call_here;
    if (!engine_reserve(engine)) {
        race_engine_delete(engine);
        return NULL;
    }
    return engine;
}

static void release(const struct race_engine *engine, void *memory, size_t size)
{
    if (memory != NULL)
        engine->host.release(engine->host.ctx, memory, size);
}

/* Units: words, of a bit for each line. */
static size_t line_words(const struct race_engine *engine)
{
    return (size_t)race_chunk_count(engine) * RACE_CHUNK_LINES / 64;
}

static size_t part_size(const struct race_engine *engine)
{
    return sizeof(struct race_part) + 2 * line_words(engine) * sizeof(uint64_t);
}

static void delete_part(const struct race_engine *engine, struct race_part *part)
{
    if (part != NULL) {
        release(engine, part->marked, race_chunk_count(engine) / 8);
        release(engine, part, part_size(engine));
    }
}

void race_engine_delete(struct race_engine *engine)
{
    for (uint32_t i = 1; i <= RACE_PLANES_MAX; i++) {
        struct race_part *part = race_part_at(engine, i);
        if (part != NULL && part->has_thread)
            race_sync_thread_end(part);
        delete_part(engine, part);
    }
    race_said_delete(engine);
    race_granules_delete(engine);
    race_sets_delete(engine);
    race_frontiers_delete(engine);
    release(engine, engine->trusted, RACE_SLOTS * sizeof(uint64_t));
    release(engine, engine->hidden_trusted, RACE_SLOTS * sizeof(uint64_t));
    release(engine, engine->used, used_size(engine));
    release(engine, engine->chunks, chunks_size(engine));
    release(engine, engine->sync_places, sync_places_size(engine));
    release(engine, engine, sizeof *engine);
}

struct race_chunk *race_chunks(struct race_engine *engine)
{
    return engine->chunks;
}

void race_counts(const struct race_engine *engine, struct race_counts *counts)
{
    *counts = (struct race_counts){
        .chunks_shared = relaxed_load(&engine->chunks_shared),
        .sync_addresses = relaxed_load(&engine->sync_addresses),
        .races = relaxed_load(&engine->races),
        .repeats = relaxed_load(&engine->repeats),
        .history_dropped = relaxed_load(&engine->forgotten) + relaxed_load(&engine->aliases),
        .orders_trusted = relaxed_load(&engine->trusts),
        .syncs_spilled = relaxed_load(&engine->spilled),
        .withheld = relaxed_load(&engine->withheld),
    };
    for (uint32_t i = 1; i <= RACE_PLANES_MAX; i++) {
        const struct race_part *part = race_part_at(engine, i);
        if (part != NULL) {
            counts->accesses += relaxed_load(&part->tally.accesses);
            counts->renumberings += relaxed_load(&part->tally.renumberings);
        }
    }
}

/* ---- planes ----------------------------------------------------------------------------------------------------- */

bool race_plane_follows(const struct race_plane *plane, const struct thread *t)
{
    return race_generation_follows(plane, t);
}

static struct race_part *make_part(struct race_engine *engine, uint32_t number)
{
    const struct race_host *host = &engine->host;
    struct race_part *part = host->reserve(host->ctx, part_size(engine));
    if (part == NULL)
        return NULL;
    part->marked = host->reserve(host->ctx, race_chunk_count(engine) / 8);
    part->alone = part->marked == NULL ? 0 : race_set_with(engine, 0, number, true);
    if (part->alone == 0) {
        delete_part(engine, part);
        return NULL;
    }
    part->written = part->touched + line_words(engine);
    part->number = number;
    part->window = engine->window;
    return part;
}

static struct race_part *part_of_number(struct race_engine *engine, uint32_t number)
{
    struct race_part *part = race_part_at(engine, number);
    if (part == NULL) {
        part = make_part(engine, number);
        if (part == NULL)
            return NULL;
        relaxed_store(&engine->parts[number], part);
        uint32_t last = relaxed_load(&engine->last_number);
        /* release: the part first; partner: race_trust_up() */
        while (last < number && !atomic_compare_exchange_weak_explicit(&engine->last_number, &last, number,
                                                                       memory_order_release, memory_order_relaxed)) {
        }
    }
    return part;
}

bool race_plane_begin(struct race_engine *engine, struct race_plane *plane, struct thread *t)
{
    /* A thread without a seat has no slot of its own, so that its order with others is not known. */
    struct race_part *part = t->seat == &t->unlisted ? NULL : part_of_number(engine, plane->number);
    if (part == NULL)
        return false;
    part->plane = plane;
    part->tags = plane->tags;
    part->writes = plane->writes;
    plane->engine_part = part;
    plane->window = engine->window;
    plane->high = engine->high;
    plane->thread = t;
    relaxed_store(&part->thread, t->id.v);
    relaxed_store(&part->born_in, t->born_in);
    relaxed_store(&part->slot, t->hb.slot);
    relaxed_store(&part->clock, &t->hb);
    t->accessed = &plane->accessed;
    race_sync_thread_begin(plane);
    race_generation_begin(engine, plane);
    race_count(&engine->begun);
    return true;
}

void race_plane_end(struct race_engine *engine, struct race_plane *plane, uint64_t stack_low, uint64_t stack_high)
{
    race_settle(engine, plane);
    race_range_fresh(engine, plane, stack_low, stack_high);
    if (race_memory_is_spent(engine, race_part(plane)))
        race_memory_drop(engine, plane);
    race_sync_thread_end(race_part(plane));
    thread_clock_keep(&race_part(plane)->ended, race_clock(plane));
    relaxed_store(&race_part(plane)->clock, &race_part(plane)->ended);
    plane->thread->accessed = NULL;
    plane->thread = NULL;
}

void race_plane_forget(struct race_engine *engine, struct race_plane *plane)
{
    struct race_part *part = race_part(plane);
    race_chunk_leave_all(engine, plane);
    race_memory_unmark(engine, part);
    race_hybrid_trust_all(engine); /* what its thread handed over is forgotten */
    if (part->has_thread) {
        race_sync_thread_end(part);
        relaxed_store(&part->clock, NULL);
        plane->thread = NULL;
    }
    race_hand_over_forget(part);
    relaxed_store(&part->present, 0);
    part->renumbering.old = 0;
    relaxed_store(&part->renumbered, 0);
    part->plane = NULL;
    relaxed_store(&part->version, (relaxed_load(&part->version) | 1) + 1); /* a fork may have left it odd */
    race_count(&engine->forgotten);
}

void race_plane_advance(struct race_engine *engine, struct race_plane *plane)
{
    if (race_enter(race_part(plane))) {
        if (__builtin_expect(race_memory_is_spent(engine, race_part(plane)), 0))
            race_memory_drop(engine, plane);
        race_generation_hear(engine, plane);
        race_generation_advance(engine, plane);
        race_leave(engine, race_part(plane));
    }
}

bool race_is_busy(const struct race_plane *plane)
{
    return race_part(plane)->inside;
}

void race_forked(struct race_engine *engine, const struct race_plane *plane)
{
    for (uint32_t i = 1; i <= RACE_PLANES_MAX; i++) {
        struct race_part *part = race_part_at(engine, i);
        if (part != NULL) {
            race_hand_over_forget(part); /* histories begin anew */
            relaxed_store(&part->clock, part->plane == plane ? relaxed_load(&part->clock) : NULL);
        }
        if (part == NULL || part->plane == plane)
            continue;
        /* What they did in the parent cannot meet what this process does from now on. */
        race_trust_part(engine, part);
        if (part->locked_chunk != NULL) {
            /* relaxed: no other thread is left */
            (void)atomic_fetch_and_explicit(&part->locked_chunk->state, ~(uint32_t)RACE_STATE_LOCK,
                                            memory_order_relaxed);
            part->locked_chunk = NULL;
        }
    }
    relaxed_store(&engine->unseen, plane == NULL); /* the others are gone */
    race_granules_forked(engine);
    race_sets_forked(engine);
}
