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

#endif
