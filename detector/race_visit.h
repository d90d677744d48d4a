/* race_visit.h: whether a thread tries to have a shared chunk for itself.
 *
 *   shared access --counted by its chunk--> often, or not tried for long --> race_chunk_enter() --owner--> its misses only set tags
 *                                                                                         \--in vain--> it waits longer
 *
 * Model:     a chunk that others have used costs a look at all their tags to own: a thread that passes by does not take the time, and one
 *            that looked in vain, or had it taken away soon, waits longer than before.
 * Threads:   all of it is the thread's own.
 */
#ifndef LOCKHOUND_DETECTOR_RACE_VISIT_H
#define LOCKHOUND_DETECTOR_RACE_VISIT_H

#include "detector/race_chunk.h"

enum {
    RACE_PATIENCE = 32, /* shared accesses until a thread tries again to own a chunk: at first, ... */
    RACE_PATIENCE_MOST = 1024,
    RACE_OFTEN = 4 /* shared accesses to one chunk until it tries that one */
};

static inline struct race_visit *race_visit_of(struct race_part *part, uint32_t chunk)
{
    return &part->visits[chunk % RACE_VISITS];
}

/* Returns: how often the thread has come to the chunk, this time counted. */
static inline uint32_t race_visit_count(const struct race_visit *visit, uint32_t chunk)
{
    return chunk == visit->chunk ? visit->count + 1 : 1;
}

/* Returns: whether it is worth the time at this visit. */
static inline bool race_visit_pays(const struct race_part *part, uint32_t count, uint32_t waited, uint32_t state)
{
    uint32_t vain = (state & RACE_STATE_VAIN) >> RACE_STATE_VAIN_SHIFT;
    bool is_often = count >= (uint32_t)RACE_OFTEN << vain && (count & (count - 1)) == 0;
    return is_often || (waited >= part->patience && vain == 0);
}

/* Counts a visit that does not pay.  Returns: false, and counts nothing, when it does. */
static inline bool race_visit_passes_by(struct race_part *part, uint32_t chunk, uint32_t state)
{
    struct race_visit *visit = race_visit_of(part, chunk);
    uint32_t count = race_visit_count(visit, chunk), waited = part->waited + 1;
    if (race_visit_pays(part, count, waited, state))
        return false;
    *visit = (struct race_visit){.chunk = chunk, .count = count};
    part->waited = waited;
    return true;
}

/* Counts a visit.  Returns: whether it pays. */
static inline bool race_visit(struct race_part *part, uint32_t chunk, uint32_t state)
{
    if (race_visit_passes_by(part, chunk, state))
        return false;
    struct race_visit *visit = race_visit_of(part, chunk);
    *visit = (struct race_visit){.chunk = chunk, .count = race_visit_count(visit, chunk)};
    part->waited++;
    return true;
}

/* It has tried. */
static inline void race_visit_tried(struct race_part *part, uint32_t chunk, bool is_owner)
{
    part->waited = 0;
    if (is_owner) {
        race_visit_of(part, chunk)->count = 0;
        part->patience = RACE_PATIENCE;
    } else {
        part->patience = part->patience < RACE_PATIENCE_MOST ? 2 * part->patience + 1 : RACE_PATIENCE_MOST;
    }
}

/* The latest access there was another thread's.  Where it was owned in vain before, they come in between again and again. */
static inline void race_visit_met_others(struct race_part *part, uint64_t address, uint32_t state)
{
    if ((state & RACE_STATE_VAIN) != 0)
        race_visit_of(part, race_chunk_index(part, address))->count = 0;
}

#endif
