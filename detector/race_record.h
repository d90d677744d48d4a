/* race_record.h: the tags of an access in its thread's plane.
 *
 *   read  --> [tags]             but for bytes that the thread has written in this generation
 *   write --> [tags] [writes]
 *
 * Model:     a tag says of a byte in which generation it was last accessed, or last written, and whether it was written.
 *            Atomic operations leave none.
 * Touched:   the caller has said that the lines may have tags (race_touched.h), unless the thread owns the chunk.
 */
#ifndef LOCKHOUND_DETECTOR_RACE_RECORD_H
#define LOCKHOUND_DETECTOR_RACE_RECORD_H

#include "detector/race_engine.h"

/* Sets the tags of the access. */
void race_record(struct race_plane *plane, const struct race_piece *piece);
/* Drops the part's tags of these bytes, which end within its window.  Context: its thread, or with their chunk locked. */
void race_unrecord(const struct race_part *part, uint64_t address, size_t size);

/* Returns: whether one of `count` (1..8) tags is `tag`, which stands in all of `tags`. */
static inline bool race_record_has(uint64_t word, uint64_t tags, size_t count)
{
    uint64_t differs = word ^ tags;
    /* A zero byte: exact as long as there is none below, which would be one as well. */
    return ((differs - BYTES_EACH(1)) & ~differs & BYTES_HIGH >> (64 - 8 * count)) != 0;
}

/* The same for an access that is none of the atomic ones, inline where it is as large as a register or a part of one;
 * `at`: its place. */
static inline __attribute__((always_inline)) void race_record_few(struct race_plane *plane, size_t at,
                                                                  struct race_piece piece)
{
    size_t size = piece.size;
    uint64_t written = BYTES_EACH(plane->write_tag);
    bool writes = (piece.flags & RACE_WRITE) != 0;
    if (size > 8 || (size & (size - 1)) != 0 ||
        (!writes && race_record_has(bytes_load(plane->tags + at), written, size))) {
        race_record(plane, &piece);
        return;
    }
    plane->accessed = true;
    if (writes)
        bytes_store_part(plane->writes + at, written, size);
    bytes_store_part(plane->tags + at, writes ? written : written & ~BYTES_EACH(1), size);
}

#endif
