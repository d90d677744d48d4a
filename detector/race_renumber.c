#include "detector/race_renumber.h"

#include "detector/race_chunk.h"
#include "detector/race_generation.h"
#include "detector/race_hybrid.h"
#include "detector/race_touched.h"

/* ---- groups ----------------------------------------------------------------------------------------------------- */

static void generation_copy(struct race_generation *to, const struct race_generation *from)
{
    relaxed_store(&to->epoch, relaxed_load(&from->epoch));
    relaxed_store(&to->slot, relaxed_load(&from->slot));
    relaxed_store(&to->thread, relaxed_load(&from->thread));
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
               (relaxed_load(&part->generation[g].slot) != slot || relaxed_load(&part->generation[g].epoch) > heard))
            g--;
        is_last[g] = true;
    }
}

/* Generation `g` goes into group `to`.  It was protected by any of the locks of any of its members. */
static void put_in_group(const struct race_engine *engine, struct race_part *part, uint32_t g, uint32_t to,
                         bool is_first)
{
    if (is_first)
        generation_copy(&part->generation[to], &part->generation[g]);
    if (engine->hidden_trusted == NULL)
        return;
    struct race_locks all;
    race_locks_copy(&all, &part->locks[is_first ? g : to]);
    if (!is_first)
        race_locks_join(&all, &part->locks[g]);
    race_locks_copy(&part->locks[to], &all);
}

/* Returns: true when generation `g`, which comes after `members` others of its group, begins another group. */
static bool begins_group(const struct race_part *part, uint32_t g, uint32_t members, bool was_heard)
{
    enum { FEW = 4, MANY = 32, LATEST = 32 };
    const struct race_renumbering *to = &part->renumbering;
    if (g == 1 || g <= to->kept || g == relaxed_load(&part->renumbered) + 1)
        return true;
    if (g <= relaxed_load(&part->renumbered)) /* they are no more than a few, and go into one */
        return was_heard && !to->is_full;
    /* Of the latest, others may still hear one by one. */
    return was_heard || members >= (g > RACE_GENERATIONS - LATEST ? FEW : MANY);
}

/* Returns: how many groups there are; none begins behind the generations that it is made of. */
static uint32_t form_groups(const struct race_engine *engine, struct race_part *part)
{
    struct race_renumbering *to = &part->renumbering;
    bool is_last[RACE_GENERATIONS + 1] = {false};
    uint32_t groups = 0, members = 0;
    mark_heard(engine, part, is_last);
    to->tag[0] = to->tag[1] = 0;
    for (uint32_t g = 1; g <= RACE_GENERATIONS; g++) {
        bool is_first = begins_group(part, g, members, is_last[g - 1]);
        groups += is_first;
        members = is_first ? 1 : members + 1;
        to->tag[RACE_TAG(g, 0)] = RACE_TAG(groups, 0);
        to->tag[RACE_TAG(g, 1)] = RACE_TAG(groups, 1);
        put_in_group(engine, part, g, groups, is_first);
        if (g == relaxed_load(&part->renumbered))
            to->old = groups;
    }
    return groups;
}

/* ---- tags ------------------------------------------------------------------------------------------------------- */

static uint64_t renumbered_singly(const struct race_renumbering *to, uint64_t tags)
{
    uint64_t result = 0;
    for (unsigned shift = 0; shift < 64; shift += 8)
        result |= (uint64_t)to->tag[tags >> shift & 0xff] << shift;
    return result;
}

/* Returns: eight tags, not all 0, each with the group of its generation in place of it.  Most often those that are there are equal. */
static inline uint64_t renumbered(const struct race_renumbering *to, uint64_t tags)
{
    uint8_t first = (uint8_t)(tags >> (__builtin_ctzll(tags) & ~7));
    uint64_t there = (((tags & ~BYTES_HIGH) + ~BYTES_HIGH) | tags) >> 7 & BYTES_EACH(1);
    return tags == there * first ? there * to->tag[first] : renumbered_singly(to, tags);
}

static inline bool is_above(uint64_t tags, uint8_t generation)
{
    return bytes_any_above(tags >> 1 & BYTES_EACH(0x7f), generation);
}

/* `writes`: of the second window; NULL: there are none but old ones.
 * Returns: true when there is nothing but old tags in the line of both windows by now. */
static bool renumber_line(const struct race_renumbering *to, uint8_t *tags, uint8_t *writes)
{
    const uint8_t kept = (uint8_t)to->kept, old = (uint8_t)to->old; /* the stores below might be to these, too */
    uint64_t last = 0, last_after = 0;
    bool is_old = true;
    for (size_t i = 0; i < RACE_LINE_BYTES; i += 8) {
        uint64_t before = bytes_load(tags + i);
        if (!is_above(before, kept))
            continue; /* then no write there is later */
        if (before != last) {
            last = before;
            last_after = renumbered(to, before);
            is_old &= !is_above(last_after, old);
        }
        bytes_store(tags + i, last_after);
        uint64_t written = writes == NULL ? 0 : bytes_load(writes + i);
        if (written != 0)
            bytes_store(writes + i, written == before ? last_after : renumbered(to, written));
    }
    return is_old;
}

/* Who owns the chunk sets tags in any line without coming here. */
static uint64_t renumber_chunk(struct race_engine *engine, struct race_plane *plane, uint32_t index, uint64_t lines)
{
    struct race_part *part = race_part(plane);
    struct race_chunk *chunk = &engine->chunks[index];
    uint64_t stay = 0, written = race_written_lines(part, index);
    uint32_t state = race_chunk_lock(part, chunk);
    for (uint64_t left = lines; left != 0; left &= left - 1) {
        uint32_t low = (index << RACE_CHUNK_SHIFT) + (uint32_t)__builtin_ctzll(left) * RACE_LINE_BYTES;
        uint8_t *writes = (written & left & -left) != 0 ? plane->writes + low : NULL;
        if (!renumber_line(&part->renumbering, plane->tags + low, writes))
            stay |= left & -left;
    }
    if (race_chunk_is_owned(engine, part, chunk)) {
        if (stay == 0)
            state = race_chunk_disown(engine, plane, chunk, state);
        else
            stay = lines;
    }
    relaxed_store(&part->renumbering_at, index + 1); /* chunks come in this order */
    race_chunk_unlock(part, chunk, state);
    return stay;
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

/* Old generations that are kept apart become too many when threads come to hear of them now and then.
 * Returns: false when they, too, are to be renumbered. */
static bool keep_old(struct race_part *part)
{
    enum { KEPT_MOST = 64, PAGES_MOST = 4096 /* of which to look at all tags takes some milliseconds */ };
    struct race_renumbering *to = &part->renumbering;
    to->kept = to->old;
    to->is_full = to->kept >= KEPT_MOST;
    if (!to->is_full || relaxed_load(&part->pages) > PAGES_MOST)
        return true;
    to->kept = 0;
    to->is_full = false;
    return false;
}

void race_renumber(struct race_engine *engine, struct race_plane *plane)
{
    struct race_part *part = race_part(plane);
    uint32_t version = relaxed_load(&part->version);
    for (uint32_t g = 1; g <= RACE_GENERATIONS; g++)
        generation_copy(&part->before[g], &part->generation[g]);
    relaxed_store(&part->renumbering_at, 0);
    /* release: what was before comes before; partner: race_version_begin() */
    atomic_store_explicit(&part->version, version + 1, memory_order_release);
    atomic_thread_fence(memory_order_seq_cst); /* odd before any tag changes; partner: race_version_stands() */
    if (!keep_old(part))
        race_touch_marked(engine, part);
    uint32_t groups = form_groups(engine, part);
    race_touched_visit(engine, plane, renumber_chunk);
    relaxed_store(&part->renumbered, groups);
    relaxed_store(&part->present, groups);
    relaxed_count(&part->tally.renumberings);
    /* release: tags and table before the even number; partner: race_version_begin() */
    atomic_store_explicit(&part->version, version + 2, memory_order_release);
}
