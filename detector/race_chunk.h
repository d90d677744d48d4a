/* race_chunk.h: who takes part in 256 bytes of the program, and whether somebody has them for himself.
 *
 *   first access --> [owned, {A}] --B comes--> [shared, {A, B}] --B comes often, has seen all of A's tags--> [owned by B, {A, B}]
 *                       \--B comes, has seen the latest that A did ------------------------------------------/
 *   address of other high bits, fresh memory --> history dropped
 *
 * Model:     participants are the planes whose tags in the chunk are true; they stay until the history is dropped, for
 *            a third thread may race with any of them.  The owner is the one who may add tags without looking at the
 *            others' ones: it has seen all of them, and nobody adds to them before he has taken the chunk from it.
 * Shared:    then each place in it has a frontier (race_frontier.h), by which most accesses look at nobody's tags.
 * Vain:      whoever owns it, and does not come again after a release before another comes, has had little of it: it is owned less soon
 *            then.
 * Words:     who = high bits and owner, or all ones: shared; state = set of participants << 8 | other bits, of which one is a lock.
 *            Both change under the lock bit alone.  A thread that finds itself in the set of a shared chunk may go on
 *            without the lock, for only it puts itself in.
 * Sync:      a chunk with the sync bit holds a sync address, here or under other high bits; it is always shared.  With the
 *            spilled bit it holds some that have no clock of their own: every granule without one may be such.
 * Readers:   look at the members alone that may have written (race_set.h); the owner counts as such.
 * Limit:     past RACE_KEPT participants an owner drops the others (a miss at worst), so that no look is long.
 */
#ifndef LOCKHOUND_DETECTOR_RACE_CHUNK_H
#define LOCKHOUND_DETECTOR_RACE_CHUNK_H

#include "detector/race_engine.h"
#include "detector/race_set.h"

enum {
    RACE_STATE_LOCK = 1,
    RACE_STATE_SYNC = 2,
    RACE_STATE_SPILLED = 4, /* never without RACE_STATE_SYNC */
    RACE_STATE_SYNCS = RACE_STATE_SYNC | RACE_STATE_SPILLED,
    RACE_STATE_VAIN_SHIFT = 3, /* how often it was owned in vain: */
    RACE_STATE_VAIN_MOST = 3,
    RACE_STATE_VAIN = RACE_STATE_VAIN_MOST << RACE_STATE_VAIN_SHIFT,
    RACE_STATE_TIMED = 32,   /* since when its owner has it is known: race_frontier_own() */
    RACE_STATE_CLEARED = 64, /* tags were made zero: what its owner has seen may lie behind none that is left */
    RACE_STATE_SET = 8,      /* shift */
    RACE_KEPT = 24
};

uint32_t race_chunk_lock(struct race_part *part, struct race_chunk *chunk); /* Returns: the state, without the bit. */
void race_chunk_unlock(struct race_part *part, struct race_chunk *chunk, uint32_t state);

/* Makes `plane` a participant of the chunk of the access, and its owner when nobody else takes part, or, `wants_it`, when it
 * has seen all that others did there.  Unless there are sync addresses, the access is recorded, so that whoever comes next sees it before becoming the owner.
 * Returns: the chunk's state. */
uint32_t race_chunk_enter(struct race_engine *engine, struct race_plane *plane, struct race_chunk *chunk,
                          const struct race_piece *piece, bool wants_it);
/* The locked chunk, whose state is that, is shared from now on: `who` says of which address. */
void race_chunk_share(struct race_engine *engine, struct race_chunk *chunk, uint32_t state, uint32_t who);
/* The plane, its owner, leaves the locked chunk to all: its next access comes to race_access().  Returns: its state. */
uint32_t race_chunk_disown(struct race_engine *engine, const struct race_plane *plane, struct race_chunk *chunk,
                           uint32_t state);
/* Drops what the locked chunk says of another address with the same low bits.  Returns: the state. */
uint32_t race_chunk_claim(struct race_engine *engine, struct race_chunk *chunk, uint32_t state, uint64_t address);
/* Makes the tags of all participants zero in these bytes; part of one chunk, which is locked. */
void race_chunk_clear(struct race_engine *engine, uint32_t state, uint64_t address, size_t size);
/* The plane takes part in no chunk any more, but for some where it has nothing but old tags, which are to become zero.
 * Context: its thread does not run. */
void race_chunk_leave_all(struct race_engine *engine, struct race_plane *plane);
/* Chunks are marked as in use so many at a time: a page of them. */
enum { RACE_CHUNKS_OF_USE = 512 };
/* Notes that a chunk is in use, so that a walk over a range finds it. */
void race_chunk_use(struct race_engine *engine, const struct race_chunk *chunk);
/* Returns: false when no chunk near this one (of the same page of chunks) was ever used. */
bool race_chunk_in_use(const struct race_engine *engine, uint64_t index);

static inline uint32_t race_shared_word(const struct race_engine *engine, uint64_t address)
{
    return (uint32_t)(address >> RACE_HIGH_SHIFT) | ~engine->high;
}

static inline bool race_word_is_of(const struct race_engine *engine, uint32_t who, uint64_t address)
{
    return who != 0 && ((who ^ (uint32_t)(address >> RACE_HIGH_SHIFT)) & engine->high) == 0;
}

/* Returns: true when the plane is the owner of the locked chunk. */
static inline bool race_chunk_is_owned(const struct race_engine *engine, const struct race_part *part,
                                       const struct race_chunk *chunk)
{
    return (relaxed_load(&chunk->who) & ~engine->high) == part->number;
}

static inline struct race_chunk *race_chunk_at(struct race_engine *engine, uint64_t address)
{
    return &engine->chunks[((uint32_t)address & engine->window) >> RACE_CHUNK_SHIFT];
}

#endif
