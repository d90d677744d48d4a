/* race_still.h: chunks that several threads read and nobody writes.
 *
 *   shared --a reader comes often, and has seen all that was written there--> still, with a stamp --anybody writes--> shared
 *                            readers that have seen all, too, keep the stamp --^
 *
 * Model:     the word of a still chunk has a stamp where an owner's has a number.  While it has the stamp that a thread keeps,
 *            nothing was written there that the thread has not seen: its reads set tags, which others hold their writes
 *            against, and do no more.
 * Invariant: who keeps the stamp that a chunk has takes part in it.
 * Stamps:    65 535 of them, in turn; one that comes again while somebody keeps it still from the last time may hide a race.
 * Where:     windows of 32 bits, whose chunks' words have room for it; not with --races=hybrid, which looks at each access.
 */
#ifndef LOCKHOUND_DETECTOR_RACE_STILL_H
#define LOCKHOUND_DETECTOR_RACE_STILL_H

#include "detector/race_chunk.h"

/* Of the engine: chunks may be still, or not. */
void race_still_init(struct race_engine *engine);
/* Returns: room for what a thread keeps of each chunk.  Units: bytes. */
size_t race_still_size(const struct race_engine *engine);
/* The plane takes part in nothing any more. */
void race_still_forget(struct race_engine *engine, struct race_part *part);

/* After a read in a chunk that nobody owns and that has no sync address, which did not race: now and then keeps the stamp. */
void race_still_try(struct race_engine *engine, struct race_plane *plane, struct race_chunk *chunk, uint64_t address);

static inline bool race_word_is_still(const struct race_engine *engine, uint32_t who)
{
    return (who & engine->still_bit) != 0 && (who | engine->high) != UINT32_MAX;
}

/* Returns: true when `who`, of the chunk of `address`, is the stamp that the plane's thread keeps. */
static inline bool race_still_is_kept(const struct race_engine *engine, const struct race_part *part, uint32_t who,
                                      uint64_t address)
{
    return (who & engine->still_bit) != 0 && part->still[race_chunk_index(part, address)] == who;
}

#endif
