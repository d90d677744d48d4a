#include "detector/race_generation.h"

#include "detector/loose.h"
#include "detector/race_chunk.h"
#include "detector/race_hybrid.h"
#include "detector/race_trust.h"

static void generation_set(const struct race_engine *engine, struct race_part *part, uint32_t g, const struct thread *t)
{
    if (engine->hidden_trusted != NULL) {
        race_locks_set(&part->locks[g], &t->seat->held);
    }
    relaxed_store(&part->generation[g].epoch, t->hb.epoch);
    relaxed_store(&part->generation[g].slot, t->hb.slot);
    relaxed_store(&part->generation[g].thread, t->id.v);
}

static void generation_copy(struct race_part *part, uint32_t to, uint32_t from)
{
    relaxed_store(&part->generation[to].epoch, relaxed_load(&part->generation[from].epoch));
    relaxed_store(&part->generation[to].slot, relaxed_load(&part->generation[from].slot));
    relaxed_store(&part->generation[to].thread, relaxed_load(&part->generation[from].thread));
}

/* ---- who has seen it -------------------------------------------------------------------------------------------- */

static bool clock_has_seen(const struct race_engine *engine, const struct thread_clock *clock,
                           const struct race_generation *g)
{
    uint32_t slot = relaxed_load(&g->slot);
    uint64_t epoch = relaxed_load(&g->epoch);
    if (thread_clock_has_seen(clock, slot, epoch)) {
        return true;
    }
    return race_trusts(engine, slot, epoch);
}

bool race_generation_seen(const struct race_engine *engine, const struct race_plane *observer,
                          const struct race_part *part, uint32_t g)
{
    return g == 0 || clock_has_seen(engine, race_order(engine, observer), &part->generation[g]);
}

uint32_t race_generation_threshold(const struct race_engine *engine, const struct race_plane *observer,
                                   const struct race_part *part)
{
    uint32_t seen = 0, unseen = relaxed_load(&part->present) + 1;
    while (seen + 1 < unseen) {
        uint32_t middle = (seen + unseen) / 2;
        if (race_generation_seen(engine, observer, part, middle)) {
            seen = middle;
        } else {
            unseen = middle;
        }
    }
    return seen;
}

/* ---- renumbering ------------------------------------------------------------------------------------------------ */

static void visit_word(struct race_engine *engine, struct race_plane *plane, uint32_t word, race_chunk_visit *visit)
{
    uint64_t *touched = &race_part(plane)->touched[word];
    for (uint64_t bits = *touched; bits != 0; bits &= bits - 1) {
        uint32_t chunk = word * 64 + (uint32_t)__builtin_ctzll(bits);
        if (!visit(engine, plane, chunk)) {
            *touched &= ~(UINT64_C(1) << chunk % 64);
        }
    }
}

void race_touched_visit(struct race_engine *engine, struct race_plane *plane, race_chunk_visit *visit)
{
    struct race_part *part = race_part(plane);
    for (uint32_t s = 0; s < race_chunk_count(engine) / 64 / 64; s++) {
        for (uint64_t words = part->summary[s]; words != 0; words &= words - 1) {
            uint32_t word = s * 64 + (uint32_t)__builtin_ctzll(words);
            visit_word(engine, plane, word, visit);
            if (part->touched[word] == 0) {
                part->summary[s] &= ~(UINT64_C(1) << word % 64);
            }
        }
    }
}

static uint64_t renumbered(const struct race_renumbering *to, uint64_t tags)
{
    if (tags == BYTES_EACH(tags & 0xff)) {
        return BYTES_EACH(to->tag[tags & 0xff]);
    }
    uint64_t result = 0;
    for (unsigned shift = 0; shift < 64; shift += 8) {
        result |= (uint64_t)to->tag[tags >> shift & 0xff] << shift;
    }
    return result;
}

/* Returns: the new tags, or'd. */
static uint64_t renumber_row(const struct race_renumbering *to, uint8_t *row)
{
    uint64_t any = 0;
    for (size_t i = 0; i < RACE_CHUNK_BYTES; i += 8) {
        uint64_t tags = bytes_load(row + i);
        if (tags != 0) {
            tags = renumbered(to, tags);
            bytes_store(row + i, tags);
            any |= tags;
        }
    }
    return any;
}

static bool renumber_chunk(struct race_engine *engine, struct race_plane *plane, uint32_t index)
{
    struct race_part *part = race_part(plane);
    struct race_chunk *chunk = &engine->chunks[index];
    uint32_t low = index << RACE_CHUNK_SHIFT;
    uint32_t state = race_chunk_lock(part, chunk);
    const struct race_renumbering *to = &part->renumbering;
    uint64_t any = renumber_row(to, plane->tags + low) | renumber_row(to, plane->writes + low);
    bool is_old = (any & ~BYTES_EACH(RACE_TAG(1, 1))) == 0;
    if (is_old) {
        /* Nothing but the oldest generation, which stays: no need to come again before something is recorded. */
        race_chunk_disown(engine, part, chunk);
    }
    race_chunk_unlock(part, chunk, state);
    return !is_old;
}

/* Marks the last generation of `part` that each other thread has heard of: it does not go with the next one, which would then
 * count as heard of as well. */
static void mark_heard(const struct race_engine *engine, const struct race_part *part, bool *is_last)
{
    uint32_t slot = relaxed_load(&part->generation[RACE_GENERATIONS].slot);
    uint32_t numbers = part->number <= RACE_HEARD ? relaxed_load(&engine->last_number) : 0;
    for (uint32_t n = 1; n <= numbers && n <= RACE_HEARD; n++) {
        const struct race_part *other = race_part_at(engine, n);
        uint64_t heard = other == NULL || other == part ? 0 : relaxed_load(&other->heard[part->number]);
        uint32_t g = heard == 0 ? 0 : RACE_GENERATIONS;
        while (g > 0 &&
               (relaxed_load(&part->generation[g].slot) != slot || relaxed_load(&part->generation[g].epoch) > heard)) {
            g--;
        }
        is_last[g] = true;
    }
}

/* Generation `g` goes into group `to`.  It was protected by any of the locks of any of its members. */
static void put_in_group(const struct race_engine *engine, struct race_part *part, uint32_t g, uint32_t to,
                         bool is_first)
{
    if (is_first) {
        generation_copy(part, to, g);
    }
    if (engine->hidden_trusted == NULL) {
        return;
    }
    struct race_locks all;
    race_locks_copy(&all, &part->locks[is_first ? g : to]);
    if (!is_first) {
        race_locks_join(&all, &part->locks[g]);
    }
    race_locks_copy(&part->locks[to], &all);
}

/* Returns: how many groups there are; none begins behind the generations that it is made of. */
static uint32_t form_groups(const struct race_engine *engine, struct race_part *part)
{
    enum { GROUP_MOST = 4 };
    bool is_last[RACE_GENERATIONS + 1] = {false};
    uint32_t groups = 0, members = 0;
    mark_heard(engine, part, is_last);
    part->renumbering.tag[0] = part->renumbering.tag[1] = 0;
    for (uint32_t g = 1; g <= RACE_GENERATIONS; g++) {
        bool is_first = members == 0 || members == GROUP_MOST || is_last[g - 1];
        groups += is_first;
        members = is_first ? 1 : members + 1;
        part->renumbering.tag[RACE_TAG(g, 0)] = RACE_TAG(groups, 0);
        part->renumbering.tag[RACE_TAG(g, 1)] = RACE_TAG(groups, 1);
        put_in_group(engine, part, g, groups, is_first);
    }
    return groups;
}

/* The version is odd meanwhile: nobody believes tags or generations. */
static void renumber(struct race_engine *engine, struct race_plane *plane)
{
    struct race_part *part = race_part(plane);
    uint32_t version = relaxed_load(&part->version);
    relaxed_store(&part->version, version + 1);
    atomic_thread_fence(memory_order_seq_cst); /* odd before any tag changes; partner: race_version_stands() */
    uint32_t groups = form_groups(engine, part);
    race_touched_visit(engine, plane, renumber_chunk);
    relaxed_store(&part->present, groups);
    part->tally.renumberings++;
    /* release: tags and table before the even number; partner: race_version_begin() */
    atomic_store_explicit(&part->version, version + 2, memory_order_release);
}

/* ---- moving on -------------------------------------------------------------------------------------------------- */

static void generation_next(struct race_engine *engine, struct race_plane *plane)
{
    struct race_part *part = race_part(plane);
    if (relaxed_load(&part->present) == RACE_GENERATIONS) {
        renumber(engine, plane);
    }
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
    uint32_t g = part == NULL ? 0 : relaxed_load(&part->present);
    return g == 0 ||
           thread_clock_has_seen(loose_is_kept(t) ? &t->loose : &t->hb, relaxed_load(&part->generation[g].slot),
                                 relaxed_load(&part->generation[g].epoch));
}

void race_generation_begin(struct race_engine *engine, struct race_plane *plane)
{
    race_generation_hear(engine, plane);
    generation_next(engine, plane);
}

void race_generation_hear(const struct race_engine *engine, const struct race_plane *plane)
{
    const struct thread_clock *clock = race_order(engine, plane);
    uint32_t numbers = relaxed_load(&engine->last_number);
    for (uint32_t n = 1; n <= numbers && n <= RACE_HEARD; n++) {
        const struct race_part *part = race_part_at(engine, n);
        if (part != NULL && n != plane->number) {
            uint32_t slot = relaxed_load(&part->generation[relaxed_load(&part->present)].slot);
            relaxed_store(&race_part(plane)->heard[n], clock_snapshot_epoch(clock->seen, slot));
        }
    }
}

/* Returns: true when the present generation was begun under other locks than those held now, and that matters. */
static bool locks_differ(const struct race_engine *engine, struct race_plane *plane, uint32_t g)
{
    if (__builtin_expect(engine->hidden_trusted == NULL, 1)) {
        return false;
    }
    loose_now(plane->thread);
    return !race_locks_are(&race_part(plane)->locks[g], &plane->thread->seat->held);
}

void race_generation_advance(struct race_engine *engine, struct race_plane *plane)
{
    struct race_part *part = race_part(plane);
    uint32_t g = relaxed_load(&part->present);
    if (relaxed_load(&part->generation[g].epoch) == plane->thread->hb.epoch && !locks_differ(engine, plane, g)) {
        return;
    }
    if (!plane->accessed) {
        generation_set(engine, part, g, plane->thread); /* no tag names it yet */
        return;
    }
    generation_next(engine, plane);
}
