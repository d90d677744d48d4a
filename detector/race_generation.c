#include "detector/race_generation.h"

#include "detector/loose.h"
#include "detector/race_chunk.h"
#include "detector/race_hybrid.h"
#include "detector/race_renumber.h"
#include "detector/race_trust.h"

static void generation_set(const struct race_engine *engine, struct race_part *part, uint32_t g, const struct thread *t)
{
    if (engine->hidden_trusted != NULL)
        race_locks_set(&part->locks[g], &t->seat->held);
    relaxed_store(&part->generation[g].epoch, t->hb.epoch);
    relaxed_store(&part->generation[g].slot, t->hb.slot);
    relaxed_store(&part->generation[g].thread, t->id.v);
}

/* ---- who has seen it -------------------------------------------------------------------------------------------- */

uint32_t race_generation_threshold(const struct race_engine *engine, const struct race_plane *observer,
                                   const struct race_part *part)
{
    uint32_t seen = 0, unseen = relaxed_load(&part->present) + 1;
    while (seen + 1 < unseen) {
        uint32_t middle = (seen + unseen) / 2;
        if (race_generation_seen(engine, observer, part, middle))
            seen = middle;
        else
            unseen = middle;
    }
    uint32_t slot = relaxed_load(&part->generation[seen].slot);
    uint64_t end = race_generation_end(part, seen);
    bool to_its_end = thread_clock_has_seen(race_order(engine, observer), slot, end) || race_trusts(engine, slot, end);
    return seen > 0 && !to_its_end ? seen - 1 : seen;
}

void race_generation_learn(const struct race_engine *engine, const struct race_plane *plane,
                           const struct race_part *other, uint32_t g)
{
    uint32_t version = race_version_begin(other);
    uint32_t slot = relaxed_load(&other->generation[g].slot);
    /* That of the present one may change until a tag names it. */
    bool is_past = g < relaxed_load(&other->present);
    if (is_past && thread_clock_has_seen(race_order(engine, plane), slot, race_generation_end(other, g)) &&
        race_version_stands(other, version))
        race_part(plane)->known[other->number % RACE_KNOWN] = (struct race_known){other->number, version, g};
}

/* ---- moving on -------------------------------------------------------------------------------------------------- */

static void generation_next(struct race_engine *engine, struct race_plane *plane)
{
    struct race_part *part = race_part(plane);
    if (relaxed_load(&part->present) == RACE_GENERATIONS)
        race_renumber(engine, plane);
    uint32_t g = relaxed_load(&part->present) + 1;
    generation_set(engine, part, g, plane->thread);
    /* release: the entry before any tag that names it, and before `present`; partner: readers of tags */
    atomic_store_explicit(&part->present, g, memory_order_release);
    plane->write_tag = RACE_TAG(g, 1);
    plane->accessed = false;
}

bool race_generation_follows(const struct race_plane *plane, const struct thread *t)
{
    const struct race_part *part = race_part(plane);
    const struct thread_clock *clock = loose_is_kept(t) ? &t->loose : &t->hb;
    uint32_t slot = 0;
    /* Each, for of a slot that another thread has by now more may have been seen than of those before.  Of those that had its own slot
     * it has seen what its creator had: its epoch says nothing of them. */
    for (uint32_t g = part == NULL ? 0 : relaxed_load(&part->present); g > 0; g--) {
        const struct race_generation *generation = &part->generation[g];
        bool is_later_seen = g < relaxed_load(&part->present) && relaxed_load(&generation->slot) == slot;
        slot = relaxed_load(&generation->slot);
        if (!is_later_seen && relaxed_load(&generation->epoch) > clock_snapshot_epoch(clock->seen, slot))
            return false;
    }
    return true;
}

void race_generation_begin(struct race_engine *engine, struct race_plane *plane)
{
    for (uint32_t i = 0; i < RACE_KNOWN; i++)
        race_part(plane)->known[i].number = 0; /* by the thread before */
    race_generation_hear(engine, plane);
    generation_next(engine, plane);
}

void race_generation_hear(const struct race_engine *engine, const struct race_plane *plane)
{
    const struct thread_clock *clock = race_order(engine, plane);
    struct race_part *part = race_part(plane);
    uint64_t begun = relaxed_load(&engine->begun);
    if (part->heard_joins == clock->joins && part->heard_begun == begun)
        return;
    part->heard_joins = clock->joins;
    part->heard_begun = begun;
    uint32_t numbers = relaxed_load(&engine->last_number);
    for (uint32_t n = 1; n <= numbers && n <= RACE_HEARD; n++) {
        const struct race_part *other = race_part_at(engine, n);
        if (other != NULL && other != part)
            relaxed_store(&part->heard[n], clock_snapshot_epoch(clock->seen, relaxed_load(&other->slot)));
    }
}

/* Returns: true when the present generation was begun under other locks than those held now, and that matters. */
static bool locks_differ(const struct race_engine *engine, struct race_plane *plane, uint32_t g)
{
    if (__builtin_expect(engine->hidden_trusted == NULL, 1))
        return false;
    loose_now(plane->thread);
    return !race_locks_are(&race_part(plane)->locks[g], &plane->thread->seat->held);
}

/* With --races=hybrid a generation stands for locks, too. */
static bool is_alone(const struct race_engine *engine)
{
    const _Atomic uint32_t *threads = engine->host.threads;
    return threads != NULL && relaxed_load(threads) == 1 && engine->hidden_trusted == NULL;
}

void race_generation_advance(struct race_engine *engine, struct race_plane *plane)
{
    struct race_part *part = race_part(plane);
    if (is_alone(engine))
        return;
    uint32_t g = relaxed_load(&part->present);
    if (relaxed_load(&part->generation[g].epoch) == plane->thread->hb.epoch && !locks_differ(engine, plane, g))
        return;
    if (!plane->accessed) {
        generation_set(engine, part, g, plane->thread); /* no tag names it yet */
        return;
    }
    generation_next(engine, plane);
}
