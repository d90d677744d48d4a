#include "detector/race_become.h"

#include "detector/loose.h"
#include "detector/race_chunk.h"
#include "detector/race_generation.h"
#include "detector/race_granules.h"
#include "detector/race_hybrid.h"
#include "detector/race_record.h"
#include "detector/race_touched.h"
#include "detector/race_trust.h"

enum { WRITERS_NAMED = 4 };

/* Whether others used some bytes that become sync. */
struct users {
    const struct race_part *writers[WRITERS_NAMED]; /* of those `unseen`, the first */
    uint32_t writer_count;                          /* all of them */
    bool unseen;                                    /* wrote, and nothing orders that before the present thread */
    bool loosely;                                   /* wrote, and nothing but locks does */
    bool stored;                                    /* wrote, or the present thread did, and that it has seen */
    uint64_t present;                               /* the epoch up to which it did so itself; 0: never */
    bool reading; /* read in their present epoch: a load of which the check is done may still be to come */
};

/* Context: holds the chunk's lock. */
static void look_at_user(struct race_engine *engine, const struct race_plane *plane, const struct race_part *other,
                         uint32_t at, struct users *users)
{
    uint32_t version = race_version_begin(other);
    uint32_t g = bytes_load_one(other->writes + at) >> 1, latest = bytes_load_one(other->tags + at) >> 1;
    users->reading |= latest != 0 && latest == relaxed_load(&other->present) && other->has_thread;
    if (g == 0)
        return;
    const struct race_generation *generation = &other->generation[g];
    uint32_t slot = relaxed_load(&generation->slot);
    uint64_t epoch = relaxed_load(&generation->epoch);
    bool loosely = race_generation_seen(engine, plane, other, g);
    bool seen = loosely || thread_clock_has_seen(race_clock(plane), slot, epoch);
    bool stands = race_version_stands(other, version);
    users->stored |= seen;
    users->unseen |= !seen || !stands;
    users->loosely |= !loosely || !stands;
}

/* The plane's own tags, true only when it takes part in the chunk.  What an earlier thread of it wrote the present one has seen. */
static void look_at_own(const struct race_plane *plane, uint32_t at, struct users *users)
{
    const struct race_part *part = race_part(plane);
    uint32_t g = plane->writes[at] >> 1;
    users->stored |= g != 0;
    if (g == 0 || relaxed_load(&part->generation[g].slot) != race_clock(plane)->slot)
        return;
    bool is_last = g >= relaxed_load(&part->present);
    uint64_t epoch = is_last ? race_clock(plane)->epoch : relaxed_load(&part->generation[g + 1].epoch) - 1;
    users->present = epoch > users->present ? epoch : users->present;
}

/* Context: holds the chunk's lock. */
static struct users find_users(struct race_engine *engine, const struct race_plane *plane, uint32_t state,
                               uint64_t address, size_t size)
{
    struct users users = {.writer_count = 0};
    const struct race_set *set = race_set_get(engine, state >> RACE_STATE_SET);
    for (uint32_t i = 0; i < set->count; i++) {
        const struct race_part *other = race_part_at(engine, race_set_number(set, i));
        bool unseen = users.unseen;
        users.unseen = false;
        for (uint32_t at = (uint32_t)race_place(plane, address), end = at + (uint32_t)size; at < end; at++)
            if (other == race_part(plane))
                look_at_own(plane, at, &users);
            else
                look_at_user(engine, plane, other, at, &users);
        if (users.unseen && users.writer_count++ < WRITERS_NAMED)
            users.writers[users.writer_count - 1] = other;
        users.unseen |= unseen;
    }
    return users;
}

static void mark_place(struct race_engine *engine, uint64_t address, size_t size)
{
    if (engine->sync_places != NULL) {
        size_t granule = (address & engine->window) / RACE_GRANULE_BYTES;
        uint8_t mask = (uint8_t)race_granule_mask(address, size);
        /* relaxed: the chunk's lock orders it */
        atomic_fetch_or_explicit(&engine->sync_places[granule], mask, memory_order_relaxed);
    }
}

/* A tag of another address of this place would hide a plain load of the one that becomes sync from who set it. */
static void clear_place(struct race_engine *engine, uint64_t address, size_t size)
{
    if (engine->sync_places == NULL)
        return;
    /* acquire: the parts up to it; partner: race_plane_begin() */
    uint32_t last = atomic_load_explicit(&engine->last_number, memory_order_acquire);
    for (uint32_t i = 1; i <= last; i++) {
        struct race_part *part = race_part_at(engine, i);
        if (part != NULL && race_is_marked(part, address))
            race_unrecord(part, address, size);
    }
}

/* Whoever comes from now on finds the bytes sync, and waits for their clock, which is held.  Whoever is here, has found them
 * plain and sets tags after they are cleared looks again behind that: access_granule().  Context: holds the chunk's lock. */
static void publish(struct race_engine *engine, struct race_chunk *chunk, uint32_t state, uint64_t address, size_t size)
{
    mark_place(engine, address, size);
    race_chunk_share(engine, chunk, state, race_shared_word(engine, address));
    /* release: the granule first; partner: access_chunk() */
    atomic_store_explicit(&chunk->state, state | RACE_STATE_LOCK, memory_order_release);
    atomic_fetch_add(&engine->becomings, 1); /* seq_cst: a store, and then what was set meanwhile */
}

/* What others than the thread of plane `known` stored there unseen, they handed over to somebody: nobody will know any more. */
static void trust_writers(struct race_engine *engine, const struct users *users, uint32_t known)
{
    for (uint32_t i = 0; i < users->writer_count && i < WRITERS_NAMED; i++)
        if (users->writers[i]->number != known)
            race_trust_part(engine, users->writers[i]);
    if (users->writer_count > WRITERS_NAMED)
        race_trust_all(engine, NULL);
}

/* What the thread takes in later it passes on now, and does not take from there. */
static void pass_on(struct thread_clock *clock, struct sync_clock *sync, const struct clock_stamp *stamp)
{
    bool is_new = sync->epoch == 0 && sync->seen == NULL;
    thread_clock_pass_on(clock, sync, stamp);
    if (is_new)
        thread_clock_note_taken(clock, sync);
}

/* What was stored there last released what its thread had seen.  Others may load it only now, to whom nobody hands that on: what
 * the present thread has seen of it, and of its own what it had released, or done when it stored there itself. */
static void release_stored(struct race_engine *engine, struct race_plane *plane, const struct race_granule_hold *hold,
                           const struct users *users)
{
    struct thread_clock *clock = race_clock(plane);
    uint64_t released = users->unseen ? clock->epoch - 1 : 0;
    struct clock_stamp stamp = {
        .slot = clock->slot, .epoch = users->present > released ? users->present : released, .seen = clock->seen};
    pass_on(clock, race_granule_clock(engine, hold), &stamp);
    struct sync_clock *loose = race_granule_loose(engine, hold);
    if (loose != NULL) {
        loose_now(plane->thread);
        clock = &plane->thread->loose;
        stamp = (struct clock_stamp){.slot = clock->slot, .epoch = clock->epoch, .seen = clock->seen};
        pass_on(clock, loose, &stamp);
    }
}

/* Sets what is trusted of what was stored there and may be loaded. */
static void trust(struct race_engine *engine, const struct race_part *part, const struct users *users, uint32_t known)
{
    if (known == 0 && users->unseen)
        race_trust_all(engine, part);
    else
        trust_writers(engine, users, known);
    if (users->reading)
        race_trust_part(engine, part); /* it may see what this thread does next, and so all that it did before */
    if (users->loosely || users->reading)
        race_hybrid_trust_all(engine);
}

bool race_become_sync(struct race_engine *engine, struct race_plane *plane, uint64_t address, size_t size,
                      uint32_t known)
{
    struct race_part *part = race_part(plane);
    struct race_chunk *chunk = race_chunk_at(engine, address);
    uint32_t state = race_chunk_claim(engine, chunk, race_chunk_lock(part, chunk), address);
    /* In a spilled chunk these bytes may have been released on the common clock already. */
    bool was_spilled = (state & RACE_STATE_SPILLED) != 0;
    struct race_granule_hold hold;
    bool has_clock =
        !was_spilled && race_granule_put(engine, address & ~(uint64_t)7, race_granule_mask(address, size), &hold);
    if (!has_clock)
        race_granule_hold_common(engine, &hold);
    state |= has_clock ? RACE_STATE_SYNC : RACE_STATE_SYNCS;
    publish(engine, chunk, state, address, size);
    struct users users = find_users(engine, plane, state, address, size);
    if (users.stored || users.unseen)
        release_stored(engine, plane, &hold, &users);
    race_chunk_clear(engine, state, address, size);
    race_unrecord(part, address, size);
    clear_place(engine, address, size);
    trust(engine, part, &users, known);
    race_granule_release(&hold);
    race_chunk_use(engine, chunk);
    race_chunk_unlock(part, chunk, state);
    if (!has_clock && !was_spilled)
        race_count(&engine->spilled);
    return has_clock;
}
