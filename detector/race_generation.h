/* race_generation.h: what the tags of a plane stand for: generation -> (clock slot, epoch).
 *
 *   release: epoch + 1 --race_generation_advance()--> next generation   (none when nothing was recorded in the old one)
 *   127 used up --race_renumber()--> groups of old ones become one each
 *
 * Model:     whoever has seen a generation has seen all lower ones of the plane.  So a thread that takes a plane over
 *            from one that ended must have seen its end: race_generation_follows().
 * Alone:     while there is one thread its generation stays, whatever it releases: all of what it does comes before all that
 *            threads do which it makes later, and of those that ended none had seen its present generation.
 * Trust:     an epoch whose order could not be seen counts as seen (race_trust.h).
 */
#ifndef LOCKHOUND_DETECTOR_RACE_GENERATION_H
#define LOCKHOUND_DETECTOR_RACE_GENERATION_H

#include "detector/race_engine.h"
#include "detector/race_trust.h"

#define RACE_TAG(generation, wrote) ((uint8_t)((generation) << 1 | (wrote)))

/* The thread of the plane begins: a new generation.  Returns: true when all before was seen by the thread. */
bool race_generation_follows(const struct race_plane *plane, const struct thread *t);
void race_generation_begin(struct race_engine *engine, struct race_plane *plane);
/* A new generation when the epoch moved on and something was recorded before; while the thread is alone, none. */
void race_generation_advance(struct race_engine *engine, struct race_plane *plane);

/* The thread says what it has heard of others by now, for their renumbering. */
void race_generation_hear(const struct race_engine *engine, const struct race_plane *plane);

/* Returns: true when the thread of `observer` has seen the generation, or it is trusted. */
static inline bool race_generation_is_seen(const struct race_engine *engine, const struct race_plane *observer,
                                           const struct race_generation *generation)
{
    uint32_t slot = relaxed_load(&generation->slot);
    uint64_t epoch = relaxed_load(&generation->epoch);
    return thread_clock_has_seen(race_order(engine, observer), slot, epoch) || race_trusts(engine, slot, epoch);
}

/* The same of generation `g` of `part`.  While that is renumbered a generation may seem to be a later one. */
static inline bool race_generation_seen(const struct race_engine *engine, const struct race_plane *observer,
                                        const struct race_part *part, uint32_t g)
{
    return g == 0 || race_generation_is_seen(engine, observer, &part->generation[g]);
}
/* Returns: the last epoch that generation `g` stands for: of those that were merged, not the one that it goes by. */
static inline uint64_t race_generation_end(const struct race_part *part, uint32_t g)
{
    const struct race_generation *first = &part->generation[g], *next = first + 1;
    bool is_merged = g <= relaxed_load(&part->renumbered) && g < relaxed_load(&part->present) &&
                     relaxed_load(&next->slot) == relaxed_load(&first->slot) &&
                     relaxed_load(&next->epoch) > relaxed_load(&first->epoch);
    return is_merged ? relaxed_load(&next->epoch) - 1 : relaxed_load(&first->epoch);
}
/* Returns: the highest generation of `part` that the thread of `observer` has seen, to its end; all lower ones too. */
uint32_t race_generation_threshold(const struct race_engine *engine, const struct race_plane *observer,
                                   const struct race_part *part);

/* Returns: the plane's version, to be compared after reading; odd: do not read. */
static inline uint32_t race_version_begin(const struct race_part *part)
{
    return atomic_load_explicit(&part->version, memory_order_acquire); /* partner: renumber() */
}

static inline bool race_version_stands(const struct race_part *part, uint32_t version)
{
    atomic_thread_fence(memory_order_acquire); /* what was read before stays before; partner: renumber() */
    return (version & 1) == 0 && relaxed_load(&part->version) == version;
}

/* Returns: a generation of `other`, whose version is this, up to which the thread of `plane` has seen all, to their ends; 0 when none
 * is known.  What was read of its tags then counts where the version stands. */
static inline uint8_t race_generation_known(const struct race_plane *plane, const struct race_part *other,
                                            uint32_t version)
{
    const struct race_known *known = &race_part(plane)->known[other->number % RACE_KNOWN];
    return known->number == other->number && known->version == version ? (uint8_t)known->generation : 0;
}

/* Generation `g` of `other` was seen: known from now on, if that was so to its end. */
void race_generation_learn(const struct race_engine *engine, const struct race_plane *plane,
                           const struct race_part *other, uint32_t g);

/* Returns: what the tags of `chunk`, which is locked, stand for, also while the plane is renumbered; `version` was read under the lock
 * as well, and race_numbering_stood() is to be asked in the end. */
static inline const struct race_generation *race_numbering(const struct race_part *part, uint32_t version,
                                                           uint32_t chunk)
{
    bool is_to_come = (version & 1) != 0 && relaxed_load(&part->renumbering_at) <= chunk;
    return is_to_come ? part->before : part->generation;
}

static inline bool race_numbering_stood(const struct race_part *part, uint32_t version)
{
    atomic_thread_fence(memory_order_acquire); /* what was read before stays before; partner: race_renumber() */
    return relaxed_load(&part->version) == version;
}

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
    if (writes) {
        part->written[word] |= lines;
    }
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

/* The chunk of `address` gets tags of the plane.  Returns: whether it has had some since the plane was empty; one that has
 * had none need not be looked at, which would make the kernel give it pages. */
static inline bool race_mark(struct race_engine *engine, struct race_part *part, uint64_t address)
{
    enum { CHUNKS_PER_PAGE = RACE_PAGE / RACE_CHUNK_BYTES };
    uint32_t chunk = race_chunk_index(part, address);
    uint64_t bit = UINT64_C(1) << chunk % 64;
    uint64_t page = ((UINT64_C(1) << CHUNKS_PER_PAGE) - 1) << (chunk % 64 & ~(uint32_t)(CHUNKS_PER_PAGE - 1));
    bool was_marked = (part->marked[chunk / 64] & bit) != 0;
    if (!was_marked) {
        if ((part->marked[chunk / 64] & page) == 0) {
            relaxed_store(&part->pages, relaxed_load(&part->pages) + 1);
            atomic_fetch_add_explicit(&engine->pages, 1, memory_order_relaxed); /* a measure */
        }
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

/* Calls `visit` for each chunk with touched lines, which returns those of `lines` that stay so. */
typedef uint64_t race_chunk_visit(struct race_engine *engine, struct race_plane *plane, uint32_t chunk, uint64_t lines);
void race_touched_visit(struct race_engine *engine, struct race_plane *plane, race_chunk_visit *visit);

#endif
