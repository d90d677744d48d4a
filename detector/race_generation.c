#include "detector/race_generation.h"

#include "detector/loose.h"
#include "detector/race_chunk.h"
#include "detector/race_hybrid.h"
#include "detector/race_renumber.h"
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

/* ---- who has seen it -------------------------------------------------------------------------------------------- */

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
        race_version_stands(other, version)) {
        race_part(plane)->known[other->number % RACE_KNOWN] = (struct race_known){other->number, version, g};
    }
}

/* ---- touched chunks --------------------------------------------------------------------------------------------- */

/* Has the lines of a word come while others are looked at. */
static void fetch_word(const struct race_engine *engine, const struct race_plane *plane, uint32_t word)
{
    const struct race_part *part = race_part(plane);
    for (uint64_t lines = part->touched[word]; lines != 0; lines &= lines - 1) {
        uint32_t low = (word * 64 + (uint32_t)__builtin_ctzll(lines)) << RACE_LINE_SHIFT;
        __builtin_prefetch(plane->tags + low, 1);
        if ((part->written[word] & lines & -lines) != 0) {
            __builtin_prefetch(plane->writes + low, 1);
        }
        __builtin_prefetch(&engine->chunks[low >> RACE_CHUNK_SHIFT], 1);
    }
}

static void visit_word(struct race_engine *engine, struct race_plane *plane, uint32_t word, race_chunk_visit *visit)
{
    uint64_t *touched = &race_part(plane)->touched[word], *written = &race_part(plane)->written[word];
    for (uint64_t left = *touched; left != 0;) {
        uint32_t shift = (uint32_t)__builtin_ctzll(left) / RACE_CHUNK_LINES * RACE_CHUNK_LINES;
        uint64_t lines = left >> shift & RACE_ALL_LINES;
        uint64_t stay = visit(engine, plane, (word * 64 + shift) / RACE_CHUNK_LINES, lines);
        *touched &= ~((lines & ~stay) << shift);
        *written &= *touched;
        left &= ~(lines << shift);
    }
}

/* The lines of a word are few and lie apart: those of some words ahead are under way meanwhile. */
static void visit_words(struct race_engine *engine, struct race_plane *plane, uint32_t s, race_chunk_visit *visit)
{
    enum { AHEAD = 6 };
    struct race_part *part = race_part(plane);
    uint64_t words = part->summary[s], ahead = words;
    for (uint32_t i = 0; i < AHEAD && ahead != 0; i++, ahead &= ahead - 1) {
        fetch_word(engine, plane, s * 64 + (uint32_t)__builtin_ctzll(ahead));
    }
    for (; words != 0; words &= words - 1, ahead &= ahead - 1) {
        uint32_t word = s * 64 + (uint32_t)__builtin_ctzll(words);
        if (ahead != 0) {
            fetch_word(engine, plane, s * 64 + (uint32_t)__builtin_ctzll(ahead));
        }
        visit_word(engine, plane, word, visit);
        if (part->touched[word] == 0) {
            part->summary[s] &= ~(UINT64_C(1) << word % 64);
        }
    }
}

void race_touched_visit(struct race_engine *engine, struct race_plane *plane, race_chunk_visit *visit)
{
    struct race_part *part = race_part(plane);
    for (uint32_t o = 0; o < RACE_LINES_MOST / 64 / 64 / 64; o++) {
        for (uint64_t summaries = part->overview[o]; summaries != 0; summaries &= summaries - 1) {
            uint32_t s = o * 64 + (uint32_t)__builtin_ctzll(summaries);
            visit_words(engine, plane, s, visit);
            if (part->summary[s] == 0) {
                part->overview[o] &= ~(UINT64_C(1) << s % 64);
            }
        }
    }
}

/* ---- moving on -------------------------------------------------------------------------------------------------- */

static void generation_next(struct race_engine *engine, struct race_plane *plane)
{
    struct race_part *part = race_part(plane);
    if (relaxed_load(&part->present) == RACE_GENERATIONS) {
        race_renumber(engine, plane);
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
    for (uint32_t i = 0; i < RACE_KNOWN; i++) {
        race_part(plane)->known[i].number = 0; /* by the thread before */
    }
    race_generation_hear(engine, plane);
    generation_next(engine, plane);
}

void race_generation_hear(const struct race_engine *engine, const struct race_plane *plane)
{
    const struct thread_clock *clock = race_order(engine, plane);
    struct race_part *part = race_part(plane);
    uint64_t begun = relaxed_load(&engine->begun);
    if (part->heard_joins == clock->joins && part->heard_begun == begun) {
        return;
    }
    part->heard_joins = clock->joins;
    part->heard_begun = begun;
    uint32_t numbers = relaxed_load(&engine->last_number);
    for (uint32_t n = 1; n <= numbers && n <= RACE_HEARD; n++) {
        const struct race_part *other = race_part_at(engine, n);
        if (other != NULL && other != part) {
            relaxed_store(&part->heard[n], clock_snapshot_epoch(clock->seen, relaxed_load(&other->slot)));
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

/* With --races=hybrid a generation stands for locks, too. */
static bool is_alone(const struct race_engine *engine)
{
    const _Atomic uint32_t *threads = engine->host.threads;
    return threads != NULL && relaxed_load(threads) == 1 && engine->hidden_trusted == NULL;
}

void race_generation_advance(struct race_engine *engine, struct race_plane *plane)
{
    struct race_part *part = race_part(plane);
    if (is_alone(engine)) {
        return;
    }
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
