/* race_touched.h: where a plane has tags: lines with some that are not all old, and chunks that have had any.
 *
 *   access --race_touch_piece()--> [touched, written] --race_touched_visit()--> race_renumber.c, race_chunk_leave_all()
 *      \-----race_mark()---------> [marked] --> what need not be cleared; pages counted (race_memory.h)
 *
 *   overview -> summary -> touched   (a bit for each word of the next that may not be 0)
 *
 * Model:     old are generations that have been renumbered once and stay what they are (race_renumber.h): whoever goes over
 *            the tags of a plane need not come where there is nothing else.  Lines of a chunk that a thread owns are all
 *            touched, for it sets tags there without coming here.
 * Invariant: a tag that is not old lies in a touched line, and one of the second window in a written one; what is written is
 *            touched; a tag that is not 0 lies in a marked chunk.
 * Threads:   the plane's thread alone writes, or who forgets the plane while it has none.  Others look at `marked` alone:
 *            under the lock of the chunk, or in memory that nobody uses any more.
 * Test:      tests/unit/test_race_touched.c.
 */
#ifndef LOCKHOUND_DETECTOR_RACE_TOUCHED_H
#define LOCKHOUND_DETECTOR_RACE_TOUCHED_H

#include "detector/race_engine.h"

/* Where the lines of a chunk stand in a word of `touched`. */
static inline uint32_t race_touched_shift(uint32_t chunk)
{
    return chunk % (64 / RACE_CHUNK_LINES) * RACE_CHUNK_LINES;
}

/* These lines of a chunk may hold tags of the plane from now on; `writes`: in both windows. */
static inline void race_touch(struct race_part *part, uint32_t chunk, uint64_t lines, bool writes)
{
    uint32_t word = chunk / (64 / RACE_CHUNK_LINES);
    lines <<= race_touched_shift(chunk);
    if ((part->touched[word] & lines) != lines) {
        part->touched[word] |= lines;
        part->summary[word / 64] |= UINT64_C(1) << word % 64;
        part->overview[word / 64 / 64] |= UINT64_C(1) << word / 64 % 64;
    }
    if (writes)
        part->written[word] |= lines;
}

/* Returns: the lines of its chunk that a piece lies in. */
static inline uint64_t race_lines_of(const struct race_piece *piece)
{
    uint32_t first = (uint32_t)piece->address >> RACE_LINE_SHIFT & (RACE_CHUNK_LINES - 1);
    uint32_t last = (uint32_t)(piece->address + piece->size - 1) >> RACE_LINE_SHIFT & (RACE_CHUNK_LINES - 1);
    return (UINT64_C(2) << last) - (UINT64_C(1) << first);
}

static inline void race_touch_piece(struct race_part *part, const struct race_piece *piece)
{
    race_touch(part, race_chunk_index(part, piece->address), race_lines_of(piece), (piece->flags & RACE_WRITE) != 0);
}

/* Returns: whether chunks of the page of the program are marked. */
static inline bool race_page_is_marked(const struct race_part *part, uint32_t page)
{
    enum { CHUNKS = RACE_PAGE / RACE_CHUNK_BYTES };
    return (part->marked[page / (64 / CHUNKS)] >> page % (64 / CHUNKS) * CHUNKS & ((UINT64_C(1) << CHUNKS) - 1)) != 0;
}

/* The page of the program gets its first mark, for a write if `writes`. */
void race_mark_page(struct race_engine *engine, struct race_part *part, uint32_t page, bool writes);

/* The chunk of the piece gets tags of the plane.  Returns: whether it has had some since the plane was empty; one that has
 * had none need not be looked at, which would make the kernel give it pages. */
static inline bool race_mark(struct race_engine *engine, struct race_part *part, const struct race_piece *piece)
{
    uint32_t chunk = race_chunk_index(part, piece->address), page = chunk / (RACE_PAGE / RACE_CHUNK_BYTES);
    uint64_t bit = UINT64_C(1) << chunk % 64;
    bool was_marked = (part->marked[chunk / 64] & bit) != 0;
    if (!was_marked) {
        if (!race_page_is_marked(part, page))
            race_mark_page(engine, part, page, (piece->flags & RACE_WRITE) != 0);
        part->marked[chunk / 64] |= bit;
    }
    return was_marked;
}

static inline bool race_is_marked(const struct race_part *part, uint64_t address)
{
    uint32_t chunk = race_chunk_index(part, address);
    return (part->marked[chunk / 64] >> chunk % 64 & 1) != 0;
}

static inline bool race_is_touched(const struct race_part *part, uint64_t address)
{
    uint32_t chunk = race_chunk_index(part, address);
    return (part->touched[chunk / (64 / RACE_CHUNK_LINES)] >> race_touched_shift(chunk) & RACE_ALL_LINES) != 0;
}

/* Returns: the lines of a chunk in which the second window may have tags that are not all old. */
static inline uint64_t race_written_lines(const struct race_part *part, uint32_t chunk)
{
    return part->written[chunk / (64 / RACE_CHUNK_LINES)] >> race_touched_shift(chunk) & RACE_ALL_LINES;
}

/* Touches all lines of the chunks that are marked, as for a look at all tags. */
void race_touch_marked(const struct race_engine *engine, struct race_part *part);

/* Calls `visit` for each chunk with touched lines, in ascending order; it returns those of `lines` that stay so. */
typedef uint64_t race_chunk_visit(struct race_engine *engine, struct race_plane *plane, uint32_t chunk, uint64_t lines);
void race_touched_visit(struct race_engine *engine, struct race_plane *plane, race_chunk_visit *visit);

#endif
