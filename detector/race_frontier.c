#include "detector/race_frontier.h"

#include "detector/race_chunk.h"
#include "detector/race_frontier_words.h"
#include "detector/race_set.h"

/* Where writes are not known to be ordered one read in so many looks whether they are by now, for each thread that it looks at. */
enum { READERS_TRIED = 16 };

/* ---- a look at the others --------------------------------------------------------------------------------------- */

/* Returns: whether the thread has seen, by its clock, all that `other` did up to generation `g`, which a tag names. */
static bool has_seen_generation(const struct race_engine *engine, const struct race_plane *plane,
                                const struct race_part *other, uint8_t g)
{
    if (g == relaxed_load(&other->present)) {
        return thread_clock_has_seen(race_clock(plane), relaxed_load(&other->generation[g].slot),
                                     relaxed_load(&other->generation[g].epoch));
    }
    race_generation_learn(engine, plane, other, g);
    return race_generation_known(plane, other, race_version_begin(other)) >= g;
}

static bool has_seen_tags(const struct race_engine *engine, const struct race_plane *plane,
                          const struct race_part *other, const uint8_t *at)
{
    uint32_t version = race_version_begin(other);
    uint8_t known = race_generation_known(plane, other, version);
    for (uint32_t i = 0; i < RACE_FRONTIER_BYTES; i += 8) {
        uint64_t tags = bytes_load(at + i);
        if (bytes_any_above(tags >> 1 & BYTES_EACH(0x7f), known) &&
            !has_seen_generation(engine, plane, other, highest_generation(tags)))
            return false;
    }
    return race_version_stands(other, version);
}

/* What threads did in a place: of those who read as well the first window says enough, for whoever has seen a thread's later read has
 * seen its earlier write. */
struct seen {
    bool all;
    /* The only one who did something there, as a frontier; FRONTIER_NONE: there are several; 0: nobody. */
    uint64_t last;
};

static struct seen look_at_place(const struct race_engine *engine, const struct race_plane *plane,
                                 const struct race_chunk *chunk, uint64_t place, bool writes)
{
    uint32_t state = atomic_load_explicit(&chunk->state, memory_order_acquire); /* partner: race_chunk_unlock() */
    const struct race_set *set = race_set_get(engine, state >> RACE_STATE_SET);
    struct seen seen = {true, 0};
    for (uint32_t i = 0; i < set->count && seen.all; i++) {
        const struct race_part *other = race_part_at(engine, race_set_number(set, i));
        const uint8_t *at = (writes ? other->tags : other->writes) + race_place(plane, place);
        uint32_t version = race_version_begin(other);
        uint64_t last = frontier_of(other, frontier_latest_in(at));
        seen.last = last == 0 ? seen.last : seen.last == 0 ? last : FRONTIER_NONE;
        seen.all = other->number == plane->number ||
                   (has_seen_tags(engine, plane, other, at) && race_version_stands(other, version));
    }
    return seen;
}

/* ---- one place -------------------------------------------------------------------------------------------------- */

static uint64_t own_stamp(const struct thread_clock *clock)
{
    return frontier_stamp(clock->slot, clock->epoch);
}

/* The thread puts itself there, looks at all the others, and takes itself away again when it has not seen them. */
static __attribute__((noinline)) enum race_passing write_unordered(const struct race_engine *engine,
                                                                   const struct race_plane *plane,
                                                                   const struct race_chunk *chunk, uint64_t place,
                                                                   struct race_frontier *frontier)
{
    uint64_t mine = own_stamp(race_clock(plane));
    struct frontier_words claimed = {mine, mine};
    if (look_at_place(engine, plane, chunk, place, true).all)
        return RACE_PASSED;
    (void)frontier_exchange(frontier, &claimed, FRONTIER_NONE, FRONTIER_NONE);
    return RACE_NOT_PASSED;
}

static enum race_passing pass_write(const struct race_engine *engine, const struct race_plane *plane,
                                    const struct race_chunk *chunk, uint64_t place, struct race_frontier *frontier)
{
    const struct thread_clock *clock = race_clock(plane);
    uint64_t mine = own_stamp(clock);
    for (struct frontier_words before = frontier_load(frontier);;) {
        if (frontier_is_seen(clock, before.latest)) {
            if (frontier_exchange(frontier, &before, mine, mine))
                return frontier_passed(clock, &before);
        } else if (frontier_is_known(before.latest)) {
            if (frontier_exchange(frontier, &before, FRONTIER_NONE, FRONTIER_NONE))
                return RACE_NOT_PASSED;
        } else if (frontier_exchange(frontier, &before, mine, mine)) {
            return write_unordered(engine, plane, chunk, place, frontier);
        }
    }
}

/* Returns: whether a reader looks if all writes are ordered before it.  The words may say more than is true: of what an owner did not
 * write to it is only known that others had come before its latest access. */
static __attribute__((noinline)) bool looks(const struct race_engine *engine, const struct race_part *part,
                                            const struct race_chunk *chunk, uint64_t written)
{
    uint32_t members = race_set_get(engine, relaxed_load(&chunk->state) >> RACE_STATE_SET)->count;
    return frontier_is_known(written) || relaxed_load(&part->tally.accesses) % (READERS_TRIED * (members + 1)) == 0;
}

/* As write_unordered(); of the writes alone.  Where one thread made them all others that read there will have seen it as well. */
static __attribute__((noinline)) enum race_passing read_unordered(const struct race_engine *engine,
                                                                  const struct race_plane *plane,
                                                                  const struct race_chunk *chunk, uint64_t place,
                                                                  struct race_frontier *frontier)
{
    uint64_t mine = own_stamp(race_clock(plane));
    struct frontier_words claimed = {mine, FRONTIER_NONE};
    struct seen seen = look_at_place(engine, plane, chunk, place, false);
    uint64_t written = seen.last == FRONTIER_NONE ? mine : seen.last;
    (void)frontier_exchange(frontier, &claimed, FRONTIER_NONE, seen.all ? written : FRONTIER_NONE);
    return seen.all ? RACE_PASSED : RACE_NOT_PASSED;
}

static enum race_passing pass_read(const struct race_engine *engine, const struct race_plane *plane,
                                   const struct race_chunk *chunk, uint64_t place, struct race_frontier *frontier)
{
    const struct thread_clock *clock = race_clock(plane);
    uint64_t mine = own_stamp(clock);
    for (struct frontier_words before = frontier_load(frontier);;) {
        bool is_behind = frontier_is_seen(clock, before.written);
        if (frontier_is_seen(clock, before.latest)) {
            if (frontier_exchange(frontier, &before, mine, before.written))
                return frontier_passed(clock, &before);
        } else if (!is_behind && looks(engine, race_part(plane), chunk, before.written)) {
            if (frontier_exchange(frontier, &before, mine, FRONTIER_NONE))
                return read_unordered(engine, plane, chunk, place, frontier);
        } else if (before.latest != FRONTIER_NONE) {
            if (frontier_exchange(frontier, &before, FRONTIER_NONE, before.written))
                return is_behind ? RACE_PASSED : RACE_NOT_PASSED;
        } else if (!is_behind) {
            return RACE_NOT_PASSED;
        } else if (frontier_stays(frontier, &before)) {
            return RACE_PASSED;
        }
    }
}

enum race_passing race_frontier_pass(struct race_engine *engine, const struct race_plane *plane,
                                     const struct race_chunk *chunk, const struct race_piece *piece)
{
    enum race_passing passing = RACE_PASSED_OWN;
    uint64_t end = piece->address + piece->size;
    for (uint64_t at = piece->address & ~(uint64_t)(RACE_FRONTIER_BYTES - 1); at < end; at += RACE_FRONTIER_BYTES) {
        struct race_frontier *frontier = race_frontier_at(engine, race_place(plane, at));
        enum race_passing here = (piece->flags & RACE_WRITE) != 0 ? pass_write(engine, plane, chunk, at, frontier)
                                                                  : pass_read(engine, plane, chunk, at, frontier);
        passing = here < passing ? here : passing;
    }
    return passing;
}
