#include "detector/race_become.h"

#include "detector/race_chunk.h"
#include "detector/race_generation.h"
#include "detector/race_granules.h"
#include "detector/race_hybrid.h"
#include "detector/race_trust.h"

enum { WRITERS_NAMED = 4 };

/* Whether others used some bytes that become sync. */
struct users {
    const struct race_part *writers[WRITERS_NAMED]; /* of those `unseen`, the first */
    uint32_t writer_count;                          /* all of them */
    bool unseen;                                    /* wrote, and nothing orders that before the present thread */
    bool loosely;                                   /* wrote, and nothing but locks does */
    bool reading; /* read in their present epoch: a load of which the check is done may still be to come */
};

/* Context: holds the chunk's lock. */
static void look_at_user(struct race_engine *engine, const struct race_plane *plane, const struct race_part *other,
                         uint32_t at, struct users *users)
{
    uint32_t version = race_version_begin(other);
    uint32_t g = bytes_load_one(other->writes + at) >> 1, latest = bytes_load_one(other->tags + at) >> 1;
    users->reading |= latest != 0 && latest == relaxed_load(&other->present) && other->has_thread;
    if (g == 0) {
        return;
    }
    const struct race_generation *generation = &other->generation[g];
    uint32_t slot = relaxed_load(&generation->slot);
    uint64_t epoch = relaxed_load(&generation->epoch);
    bool loosely = race_generation_seen(engine, plane, other, g);
    bool seen = loosely || thread_clock_has_seen(race_clock(plane), slot, epoch);
    bool stands = race_version_stands(other, version);
    users->unseen |= !seen || !stands;
    users->loosely |= !loosely || !stands;
}

/* Context: holds the chunk's lock. */
static struct users find_users(struct race_engine *engine, const struct race_plane *plane, uint32_t state,
                               uint64_t address, size_t size)
{
    struct users users = {.writer_count = 0};
    const struct race_set *set = race_set_get(engine, state >> RACE_STATE_SET);
    for (uint32_t i = 0; i < set->count; i++) {
        const struct race_part *other = race_part_at(engine, set->number[i]);
        bool unseen = users.unseen;
        users.unseen = false;
        for (size_t at = 0; other != race_part(plane) && at < size; at++) {
            look_at_user(engine, plane, other, ((uint32_t)address & engine->window) + (uint32_t)at, &users);
        }
        if (users.unseen && users.writer_count++ < WRITERS_NAMED) {
            users.writers[users.writer_count - 1] = other;
        }
        users.unseen |= unseen;
    }
    return users;
}

static void mark_place(struct race_engine *engine, uint64_t address, size_t size)
{
    if (engine->sync_places != NULL) {
        size_t granule = (address & engine->window) / RACE_GRANULE_BYTES;
        atomic_fetch_or_explicit(&engine->sync_places[granule], (uint8_t)race_granule_mask(address, size),
                                 memory_order_relaxed); /* the chunk's lock orders it */
    }
}

/* A tag of another address of this place would hide a plain load of the one that becomes sync from who set it. */
static void clear_place(struct race_engine *engine, uint64_t address, size_t size)
{
    if (engine->sync_places == NULL) {
        return;
    }
    size_t place = address & engine->window;
    /* acquire: the parts up to it; partner: race_plane_begin() */
    uint32_t last = atomic_load_explicit(&engine->last_number, memory_order_acquire);
    for (uint32_t i = 1; i <= last; i++) {
        struct race_part *part = race_part_at(engine, i);
        if (part != NULL && race_is_marked(part, address)) {
            bytes_clear(part->tags + place, size);
            bytes_clear(part->writes + place, size);
        }
    }
}

/* What others than the thread of plane `known` stored there unseen, they handed over to somebody: nobody will know any more. */
static void trust_writers(struct race_engine *engine, const struct users *users, uint32_t known)
{
    for (uint32_t i = 0; i < users->writer_count && i < WRITERS_NAMED; i++) {
        if (users->writers[i]->number != known) {
            race_trust_part(engine, users->writers[i]);
        }
    }
    if (users->writer_count > WRITERS_NAMED) {
        race_trust_all(engine, NULL);
    }
}

/* Whoever comes from now on finds the bytes sync.  Whoever is here, has found them plain and sets tags after they were cleared
 * looks again behind that: access_granule().  Context: holds the chunk's lock.
 * Returns: false when the bytes have no clock of their own. */
static bool publish(struct race_engine *engine, struct race_chunk *chunk, uint32_t *state, uint64_t address,
                    size_t size)
{
    /* In a spilled chunk these bytes may have been released on the common clock already. */
    bool has_clock = (*state & RACE_STATE_SPILLED) == 0 &&
                     race_granule_put(engine, address & ~(uint64_t)7, race_granule_mask(address, size));
    *state |= has_clock ? RACE_STATE_SYNC : RACE_STATE_SYNCS;
    mark_place(engine, address, size);
    relaxed_store(&chunk->who, race_shared_word(engine, address));
    /* release: the granule first; partner: access_chunk() */
    atomic_store_explicit(&chunk->state, *state | RACE_STATE_LOCK, memory_order_release);
    atomic_fetch_add(&engine->becomings, 1); /* seq_cst: a store, and then what was set meanwhile */
    return has_clock;
}

bool race_become_sync(struct race_engine *engine, struct race_plane *plane, uint64_t address, size_t size,
                      uint32_t known)
{
    struct race_part *part = race_part(plane);
    struct race_chunk *chunk = race_chunk_at(engine, address);
    uint32_t state = race_chunk_claim(engine, chunk, race_chunk_lock(part, chunk), address);
    bool was_spilled = (state & RACE_STATE_SPILLED) != 0;
    bool has_clock = publish(engine, chunk, &state, address, size);
    struct users users = find_users(engine, plane, state, address, size);
    race_chunk_clear(engine, state, address, size);
    bytes_clear(plane->tags + race_place(plane, address), size);
    bytes_clear(plane->writes + race_place(plane, address), size);
    clear_place(engine, address, size);
    race_chunk_use(engine, chunk);
    race_chunk_unlock(part, chunk, state);
    if (known == 0 && users.unseen) {
        race_trust_all(engine, part);
    } else {
        trust_writers(engine, &users, known);
    }
    if (users.loosely) {
        race_hybrid_trust_all(engine);
    }
    if (users.reading) {
        race_trust_part(engine, part); /* it may see what this thread does next, and so all that it did before */
        race_hybrid_trust_all(engine);
    }
    if (!has_clock && !was_spilled) {
        race_count(&engine->spilled);
    }
    return has_clock;
}
