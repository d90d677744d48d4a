/* race_shared.h: the short way of an access in memory that several threads share: the usual miss of what they hand round.
 *
 *   miss --race_shared_find()--> found --note in the history--> race_shared_access(): own tags, frontier --behind all--> done
 *                          \--needs more--> race_access()                                             \--> race_shared_rest()
 *
 * Model:     the access lies in one line of a chunk that the thread takes part in already, and does not try to have for itself.  Then
 *            it is what race_access() does, without the questions whose answers are known.  All of this is inline: an epoch that
 *            touches many such places anew pays for each instruction.
 * Sync:      beside synchronising addresses of the same chunk it is the same, where none of the bytes is one.
 * Order:     whoever meets the tags finds the entry in the history, so that this comes between the two calls.
 */
#ifndef LOCKHOUND_DETECTOR_RACE_SHARED_H
#define LOCKHOUND_DETECTOR_RACE_SHARED_H

#include "detector/prefetch.h"
#include "detector/race_chunk.h"
#include "detector/race_frontier_words.h"
#include "detector/race_granules.h"
#include "detector/race_record.h"
#include "detector/race_visit.h"

/* Where it is. */
struct race_shared {
    struct race_chunk *chunk; /* NULL: the access needs more */
    size_t place;             /* in the windows */
    uint32_t word;            /* the chunk's, while it is shared */
    bool is_beside_sync;      /* the chunk has synchronising addresses, ... */
    uint32_t becomings;       /* ... none of those that became one before is touched */
};

/* What of race_access() is still to be done for the piece, whose tags are there; `is_behind`: it races with nothing that they say.
 * Returns: true when a race was found and reported. */
bool race_shared_rest(struct race_engine *engine, struct race_plane *plane, const struct race_shared *shared,
                      const struct race_piece *piece, bool is_behind);

/* The piece's lines are about to have tags of the part, which takes part in their chunk. */
void race_shared_touch(struct race_engine *engine, struct race_part *part, const struct race_piece *piece);

/* Returns: whether an address of the chunk has become a synchronising one meanwhile. */
static inline bool race_shared_became(const struct race_engine *engine, const struct race_shared *shared)
{
    /* acquire: partner: race_become_sync() */
    uint32_t state = atomic_load_explicit(&shared->chunk->state, memory_order_acquire);
    return (state & RACE_STATE_SYNC) != 0 &&
           (!shared->is_beside_sync || relaxed_load(&engine->becomings) != shared->becomings);
}

/* Returns: whether the line of the place has tags of the part, in both windows if it `writes`. */
static inline bool race_shared_line_is_touched(const struct race_part *part, size_t place, bool writes)
{
    size_t line = place >> RACE_LINE_SHIFT;
    uint64_t touched = part->touched[line / 64] & (writes ? part->written[line / 64] : UINT64_MAX);
    return (touched >> line % 64 & 1) != 0;
}

/* Returns: whether the set is one that the part was found to be in, as one that writes if it `writes`. */
static inline bool race_shared_is_member(const struct race_part *part, uint32_t set, bool writes)
{
    uint32_t covered = part->covered[set % RACE_COVERED];
    return covered >> 1 == set && set != 0 && (covered & 1) >= writes;
}

/* Returns: whether the thread leaves the chunk as it is: it does not try to own it, and does not touch what is synchronising there. */
static inline bool race_shared_is_left(const struct race_engine *engine, struct race_part *part, uint64_t address,
                                       uint64_t size, uint32_t state)
{
    if ((state & RACE_STATE_SYNC) != 0) {
        return (state & RACE_STATE_SPILLED) == 0 && engine->sync_places == NULL &&
               race_granules_are_clear(engine, address, size);
    }
    return state >> RACE_STATE_SET != part->alone && race_visit_passes_by(part, race_chunk_index(part, address), state);
}

/* An access is about to be noted that perhaps needs no more than race_shared_access().  Where it needs more nothing was done. */
static inline __attribute__((always_inline)) struct race_shared race_shared_find(struct race_engine *engine,
                                                                                 const struct race_plane *plane,
                                                                                 uint64_t address, uint64_t size,
                                                                                 uint32_t flags)
{
    const struct race_shared none = {0};
    bool writes = (flags & RACE_WRITE) != 0;
    struct race_part *part = race_part(plane);
    size_t place = race_place(plane, address);
    uint32_t index = (uint32_t)(place >> RACE_CHUNK_SHIFT), word = race_shared_word(engine, address);
    struct race_chunk *chunk = &engine->chunks[index];
    if (relaxed_load(&chunk->who) != word || place % RACE_LINE_BYTES + size > RACE_LINE_BYTES ||
        (flags & (RACE_ATOMIC | RACE_FREE)) != 0)
        return none;
    prefetch_write(race_frontier_at(engine, place));
    if (writes)
        prefetch_write(plane->writes + place);
    /* acquire, both: what has become sync by then is found; partner: race_become_sync() */
    uint32_t becomings = atomic_load_explicit(&engine->becomings, memory_order_acquire);
    uint32_t state = atomic_load_explicit(&chunk->state, memory_order_acquire);
    if (!race_shared_is_member(part, state >> RACE_STATE_SET, writes) || engine->hidden_trusted != NULL ||
        race_owes(plane) || part->inside || !race_shared_is_left(engine, part, address, size, state))
        return none;
    return (struct race_shared){chunk, place, word, (state & RACE_STATE_SYNC) != 0, becomings};
}

/* Returns: how the place was passed, of which the access is part. */
static inline __attribute__((always_inline)) enum race_passing race_shared_pass(struct race_engine *engine,
                                                                                const struct race_plane *plane,
                                                                                const struct race_shared *shared,
                                                                                struct race_piece piece)
{
    bool writes = (piece.flags & RACE_WRITE) != 0;
    const struct thread_clock *clock = race_clock(plane);
    struct race_frontier *frontier = race_frontier_at(engine, shared->place);
    /* acquire: the frontier; partner: race_chunk_share() */
    if (atomic_load_explicit(&shared->chunk->who, memory_order_acquire) != shared->word)
        return RACE_NOT_PASSED;
    if (shared->place % RACE_FRONTIER_BYTES + piece.size > RACE_FRONTIER_BYTES)
        return race_frontier_pass(engine, plane, shared->chunk, &piece);
    struct frontier_words before = frontier_load(frontier);
    if (frontier_is_seen(clock, before.latest)) {
        uint64_t mine = frontier_stamp(clock->slot, clock->epoch);
        if (frontier_exchange(frontier, &before, mine, writes ? mine : before.written))
            return frontier_passed(clock, &before);
    } else if (!writes && before.latest == FRONTIER_NONE && frontier_is_seen(clock, before.written) &&
               frontier_stays(frontier, &before)) {
        return RACE_PASSED;
    }
    return race_frontier_pass(engine, plane, shared->chunk, &piece);
}

/* The access of `plane`'s thread that was found to need no more, checked against the others and recorded.
 * Returns: true when a race was found and reported. */
static inline __attribute__((always_inline)) bool race_shared_access(struct race_engine *engine,
                                                                     struct race_plane *plane,
                                                                     const struct race_shared *shared, uint64_t address,
                                                                     uint64_t size, uint32_t flags)
{
    struct race_part *part = race_part(plane);
    const struct race_piece piece = {.address = address, .size = (size_t)size, .flags = flags};
    part->inside = true;
    atomic_signal_fence(memory_order_seq_cst);
    relaxed_count(&part->tally.accesses);
    part->changing = 0;
    if (__builtin_expect(!race_shared_line_is_touched(part, shared->place, (flags & RACE_WRITE) != 0), 0)) {
        struct race_piece touched = piece;
        race_shared_touch(engine, part, &touched);
    }
    race_record_few(plane, shared->place, piece);
    enum race_passing passing = race_shared_pass(engine, plane, shared, piece);
    if (passing == RACE_PASSED)
        race_visit_met_others(part, address, relaxed_load(&shared->chunk->state));
    bool found = false;
    if (__builtin_expect(passing == RACE_NOT_PASSED || race_shared_became(engine, shared), 0)) {
        struct race_piece rest = piece;
        found = race_shared_rest(engine, plane, shared, &rest, passing != RACE_NOT_PASSED);
    }
    race_leave(engine, part);
    return found;
}

#endif
