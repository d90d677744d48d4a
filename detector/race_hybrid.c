#include "detector/race_hybrid.h"

#include "detector/loose.h"
#include "detector/race_chunk.h"
#include "detector/race_generation.h"
#include "detector/race_trust.h"

/* ---- sets of locks ---------------------------------------------------------------------------------------------- */

static void locks_add(struct race_locks *locks, uint32_t *count, struct object *o, uint32_t id, bool shared)
{
    if (*count < RACE_LOCKS_MAX) {
        relaxed_store(&locks->object[*count], o);
        relaxed_store(&locks->name[*count], id << 1 | shared);
    }
    (*count)++; /* past RACE_LOCKS_MAX: not known */
}

void race_locks_set(struct race_locks *locks, const struct held_set *held)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < held_count(held); i++) {
        const struct held_entry *entry = &held_entries(held)[i];
        locks_add(locks, &count, relaxed_load(&entry->object), relaxed_load(&entry->id),
                  relaxed_load(&entry->mode) == LOCK_SHARED);
    }
    relaxed_store(&locks->count, count);
}

void race_locks_copy(struct race_locks *to, const struct race_locks *from)
{
    for (uint32_t i = 0; i < RACE_LOCKS_MAX; i++) {
        relaxed_store(&to->object[i], relaxed_load(&from->object[i]));
        relaxed_store(&to->name[i], relaxed_load(&from->name[i]));
    }
    relaxed_store(&to->count, relaxed_load(&from->count));
}

bool race_locks_are(const struct race_locks *locks, const struct held_set *held)
{
    uint32_t count = held_count(held);
    bool same = relaxed_load(&locks->count) == count;
    for (uint32_t i = 0; same && i < count && i < RACE_LOCKS_MAX; i++) {
        const struct held_entry *entry = &held_entries(held)[i];
        same = relaxed_load(&locks->object[i]) == relaxed_load(&entry->object) &&
               relaxed_load(&locks->name[i]) ==
                   (relaxed_load(&entry->id) << 1 | (relaxed_load(&entry->mode) == LOCK_SHARED));
    }
    return same;
}

void race_locks_join(struct race_locks *into, const struct race_locks *from)
{
    uint32_t count = relaxed_load(&into->count), more = relaxed_load(&from->count);
    if (more > RACE_LOCKS_MAX) {
        relaxed_store(&into->count, more);
        return;
    }
    for (uint32_t i = 0; i < more && count <= RACE_LOCKS_MAX; i++) {
        uint32_t name = relaxed_load(&from->name[i]), k = 0;
        while (k < count && relaxed_load(&into->name[k]) != name)
            k++;
        if (k == count)
            locks_add(into, &count, relaxed_load(&from->object[i]), name >> 1, (name & 1) != 0);
    }
    relaxed_store(&into->count, count);
}

static bool is_unknown(const struct race_locks *locks)
{
    return relaxed_load(&locks->count) > RACE_LOCKS_MAX;
}

/* Returns: true when lock `i` of `a` is one of `b`, and not shared in both. */
static bool excludes(const struct race_locks *a, uint32_t i, const struct race_locks *b)
{
    uint32_t name = relaxed_load(&a->name[i]);
    for (uint32_t k = 0; k < relaxed_load(&b->count) && k < RACE_LOCKS_MAX; k++) {
        uint32_t other = relaxed_load(&b->name[k]);
        if (name >> 1 == other >> 1 && (name & other & 1) == 0)
            return true;
    }
    return false;
}

/* Returns: true when both have a lock that excludes the other, or it is not known that they do not. */
static bool have_common_lock(const struct race_locks *a, const struct race_locks *b)
{
    bool common = is_unknown(a) || is_unknown(b);
    for (uint32_t i = 0; !common && i < relaxed_load(&a->count); i++)
        common = excludes(a, i, b);
    return common;
}

/* ---- trust ------------------------------------------------------------------------------------------------------ */

void race_hybrid_trust_all(struct race_engine *engine)
{
    if (engine->hidden_trusted != NULL)
        race_trust_up(engine, engine->hidden_trusted, NULL);
}

bool race_hybrid_hides(const struct race_engine *engine, const struct race_plane *plane, const struct race_part *part,
                       uint32_t g)
{
    uint32_t slot = relaxed_load(&part->generation[g].slot);
    uint64_t epoch = relaxed_load(&part->generation[g].epoch);
    const struct race_part *mine = race_part(plane);
    return slot < RACE_SLOTS && epoch > relaxed_load(&engine->hidden_trusted[slot]) &&
           thread_clock_has_seen(race_clock(plane), slot, epoch) &&
           !have_common_lock(&part->locks[g], &mine->locks[relaxed_load(&mine->present)]);
}

/* ---- handing over ----------------------------------------------------------------------------------------------- */

/* Something was handed over from a section of `part` in generation `g` to the present one: each lock in common orders. */
static void take_over(struct race_engine *engine, struct race_plane *plane, const struct race_part *part, uint32_t g)
{
    const struct race_part *mine = race_part(plane);
    const struct race_locks *theirs = &part->locks[g], *here = &mine->locks[relaxed_load(&mine->present)];
    bool taken = !is_unknown(theirs) && !is_unknown(here);
    for (uint32_t i = 0; taken && i < relaxed_load(&here->count); i++) {
        if (excludes(here, i, theirs)) {
            taken =
                loose_take_unlocked(plane->thread, relaxed_load(&here->object[i]), relaxed_load(&here->name[i]) >> 1);
        }
    }
    if (!taken)
        race_hybrid_trust_all(engine); /* not known which lock, or what it has seen */
}

/* Returns: true when the present access and one that left `wrote` in its tag pass something on, where a lock excludes
 * them. */
static bool hands_over(const struct race_piece *piece, bool wrote)
{
    bool writes = (piece->flags & RACE_WRITE) != 0;
    bool learns = !writes || (piece->flags & (RACE_READ_MODIFY | RACE_UNTOLD)) == RACE_READ_MODIFY;
    return wrote ? learns : writes;
}

/* ---- looking at the others -------------------------------------------------------------------------------------- */

/* One tag of `part` that `plane` may not have seen.  Returns: true when it seems to race. */
static bool weigh(struct race_engine *engine, struct race_plane *plane, const struct race_part *part, uint8_t tag,
                  const struct race_piece *piece)
{
    uint32_t g = tag >> 1;
    if (race_generation_seen(engine, plane, part, g))
        return false;
    const struct race_generation *generation = &part->generation[g];
    if (!thread_clock_has_seen(race_clock(plane), relaxed_load(&generation->slot), relaxed_load(&generation->epoch)))
        return true;
    const struct race_part *mine = race_part(plane);
    if (!have_common_lock(&part->locks[g], &mine->locks[relaxed_load(&mine->present)]))
        return race_hybrid_hides(engine, plane, part, g);
    if (hands_over(piece, (tag & 1) != 0))
        take_over(engine, plane, part, g);
    return false;
}

/* Looks at one window of `part` for the bytes of the piece.  Returns: true when a race was reported. */
static bool look(struct race_engine *engine, struct race_plane *plane, struct race_chunk *chunk,
                 const struct race_part *part, const uint8_t *window, const struct race_piece *piece, bool may_race)
{
    uint32_t version = race_version_begin(part);
    uint8_t known = 0;
    for (size_t i = 0; i < piece->size; i++) {
        uint8_t tag = bytes_load_one(window + race_place(plane, piece->address) + i);
        if (tag == known || tag == 0)
            continue;
        known = tag;
        struct race_met met = {.number = part->number, .address = piece->address + i};
        if (weigh(engine, plane, part, tag, piece) && may_race && race_found(engine, plane, chunk, piece, &met))
            return true;
    }
    if (known != 0 && !race_version_stands(part, version))
        race_hybrid_trust_all(engine); /* the tags had another meaning meanwhile: something may have been handed over */
    return false;
}

bool race_hybrid_check(struct race_engine *engine, struct race_plane *plane, struct race_chunk *chunk, uint32_t state,
                       const struct race_piece *piece)
{
    const struct race_set *set = race_set_get(engine, state >> RACE_STATE_SET);
    bool writes = (piece->flags & RACE_WRITE) != 0, found = false;
    for (uint32_t i = 0; i < set->count; i++) {
        const struct race_part *other = race_part_at(engine, race_set_number(set, i));
        if (race_set_number(set, i) == plane->number)
            continue;
        /* Last writes first: what they hand over may order the rest. */
        found |= look(engine, plane, chunk, other, other->writes, piece, !writes) ||
                 (writes && look(engine, plane, chunk, other, other->tags, piece, true));
    }
    return found;
}
