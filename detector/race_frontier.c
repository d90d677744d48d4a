#include "detector/race_frontier.h"

#include "detector/bytes_wide.h"
#include "detector/race_chunk.h"
#include "detector/race_generation.h"
#include "detector/race_set.h"

enum { PLACE_SHIFT = 4, PLACE_BYTES = 1 << PLACE_SHIFT, PLACES = RACE_CHUNK_BYTES / PLACE_BYTES, SLOT_SHIFT = 48 };

/* Where writes are not known to be ordered one read in so many looks whether they are by now, for each thread that it looks at. */
enum { READERS_TRIED = 16 };

/* Each word is a slot << SLOT_SHIFT | epoch, of which 0 is seen by all, or a value with no slot of those: */
#define NONE      (UINT64_MAX - 1) /* they are not ordered, or not known to be */
#define BEGINNING (UINT64_MAX - 2) /* what the owner did is not looked up yet */
#define NO_SLOT   (RACE_SLOTS - 1)

/* What stands in a frontier at one moment. */
struct words {
    uint64_t latest, written;
};

static size_t frontiers_size(const struct race_engine *engine)
{
    return ((size_t)engine->window + 1) / PLACE_BYTES * sizeof(struct race_frontier);
}

bool race_frontiers_init(struct race_engine *engine)
{
    engine->frontiers = engine->host.reserve(engine->host.ctx, frontiers_size(engine));
    return engine->frontiers != NULL;
}

void race_frontiers_delete(struct race_engine *engine)
{
    if (engine->frontiers != NULL) {
        engine->host.release(engine->host.ctx, (void *)engine->frontiers, frontiers_size(engine));
    }
}

/* Both words, perhaps of two moments: exchange() finds that out. */
static struct words load(const struct race_frontier *frontier)
{
    return (struct words){relaxed_load(&frontier->latest), relaxed_load(&frontier->written)};
}

/* Both words at once; seq_cst.  Returns: false when there is something else than `*before`, which is there then. */
static bool exchange(struct race_frontier *frontier, struct words *before, uint64_t latest, uint64_t written)
{
    bool is_done;
    __asm__ volatile("lock cmpxchg16b %[frontier]"
                     : "=@ccz"(is_done), [frontier] "+m"(*frontier), "+a"(before->latest), "+d"(before->written)
                     : "b"(latest), "c"(written)
                     : "memory");
    return is_done;
}

static uint64_t stamp(uint32_t slot, uint64_t epoch)
{
    return slot < NO_SLOT ? (uint64_t)slot << SLOT_SHIFT | epoch : NONE;
}

static bool is_known(uint64_t frontier)
{
    return frontier >> SLOT_SHIFT < NO_SLOT;
}

static inline __attribute__((always_inline)) bool is_seen(const struct thread_clock *clock, uint64_t frontier)
{
    return is_known(frontier) && thread_clock_has_seen(clock, (uint32_t)(frontier >> SLOT_SHIFT),
                                                       frontier & ((UINT64_C(1) << SLOT_SHIFT) - 1));
}

/* Returns: the frontier of what `part` did in the generation: whoever has seen that has seen what that thread had seen of others; of
 * none, 0, there is nothing to see. */
static uint64_t frontier_of(const struct race_part *part, uint8_t generation)
{
    return generation == 0
               ? 0
               : stamp(relaxed_load(&part->generation[generation].slot), race_generation_end(part, generation));
}

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

static uint8_t highest_generation(uint64_t tags)
{
    uint8_t highest = 0;
    for (; tags != 0; tags >>= 8) {
        highest = (uint8_t)tags > highest ? (uint8_t)tags : highest;
    }
    return highest >> 1;
}

/* Returns: the latest generation of the tags of a place. */
static uint8_t latest_in_place(const uint8_t *at)
{
    uint8_t first = highest_generation(bytes_load(at)), second = highest_generation(bytes_load(at + 8));
    return first > second ? first : second;
}

static bool has_seen_tags(const struct race_engine *engine, const struct race_plane *plane,
                          const struct race_part *other, const uint8_t *at)
{
    uint32_t version = race_version_begin(other);
    uint8_t known = race_generation_known(plane, other, version);
    for (uint32_t i = 0; i < PLACE_BYTES; i += 8) {
        uint64_t tags = bytes_load(at + i);
        if (bytes_any_above(tags >> 1 & BYTES_EACH(0x7f), known) &&
            !has_seen_generation(engine, plane, other, highest_generation(tags))) {
            return false;
        }
    }
    return race_version_stands(other, version);
}

/* What threads did in a place: of those who read as well the first window says enough, for whoever has seen a thread's later read has
 * seen its earlier write. */
struct seen {
    bool all;
    uint64_t last; /* the only one who did something there, as a frontier; NONE: there are several; 0: nobody */
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
        uint64_t last = frontier_of(other, latest_in_place(at));
        seen.last = last == 0 ? seen.last : seen.last == 0 ? last : NONE;
        seen.all = other->number == plane->number ||
                   (has_seen_tags(engine, plane, other, at) && race_version_stands(other, version));
    }
    return seen;
}

/* ---- one place -------------------------------------------------------------------------------------------------- */

static uint64_t own_stamp(const struct thread_clock *clock)
{
    return stamp(clock->slot, clock->epoch);
}

static enum race_passing passed(const struct thread_clock *clock, const struct words *before)
{
    return before->latest >> SLOT_SHIFT == clock->slot ? RACE_PASSED_OWN : RACE_PASSED;
}

/* The thread puts itself there, looks at all the others, and takes itself away again when it has not seen them. */
static __attribute__((noinline)) enum race_passing write_unordered(const struct race_engine *engine,
                                                                   const struct race_plane *plane,
                                                                   const struct race_chunk *chunk, uint64_t place,
                                                                   struct race_frontier *frontier)
{
    uint64_t mine = own_stamp(race_clock(plane));
    struct words claimed = {mine, mine};
    if (look_at_place(engine, plane, chunk, place, true).all) {
        return RACE_PASSED;
    }
    (void)exchange(frontier, &claimed, NONE, NONE);
    return RACE_NOT_PASSED;
}

static enum race_passing pass_write(const struct race_engine *engine, const struct race_plane *plane,
                                    const struct race_chunk *chunk, uint64_t place, struct race_frontier *frontier)
{
    const struct thread_clock *clock = race_clock(plane);
    uint64_t mine = own_stamp(clock);
    for (struct words before = load(frontier);;) {
        if (is_seen(clock, before.latest)) {
            if (exchange(frontier, &before, mine, mine)) {
                return passed(clock, &before);
            }
        } else if (is_known(before.latest)) {
            if (exchange(frontier, &before, NONE, NONE)) {
                return RACE_NOT_PASSED;
            }
        } else if (exchange(frontier, &before, mine, mine)) {
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
    return is_known(written) || part->tally.accesses % (READERS_TRIED * (members + 1)) == 0;
}

/* As write_unordered(); of the writes alone.  Where one thread made them all others that read there will have seen it as well. */
static __attribute__((noinline)) enum race_passing read_unordered(const struct race_engine *engine,
                                                                  const struct race_plane *plane,
                                                                  const struct race_chunk *chunk, uint64_t place,
                                                                  struct race_frontier *frontier)
{
    uint64_t mine = own_stamp(race_clock(plane));
    struct words claimed = {mine, NONE};
    struct seen seen = look_at_place(engine, plane, chunk, place, false);
    (void)exchange(frontier, &claimed, NONE, !seen.all ? NONE : seen.last == NONE ? mine : seen.last);
    return seen.all ? RACE_PASSED : RACE_NOT_PASSED;
}

static enum race_passing pass_read(const struct race_engine *engine, const struct race_plane *plane,
                                   const struct race_chunk *chunk, uint64_t place, struct race_frontier *frontier)
{
    const struct thread_clock *clock = race_clock(plane);
    uint64_t mine = own_stamp(clock);
    for (struct words before = load(frontier);;) {
        bool is_behind = is_seen(clock, before.written);
        if (is_seen(clock, before.latest)) {
            if (exchange(frontier, &before, mine, before.written)) {
                return passed(clock, &before);
            }
        } else if (!is_behind && looks(engine, race_part(plane), chunk, before.written)) {
            if (exchange(frontier, &before, mine, NONE)) {
                return read_unordered(engine, plane, chunk, place, frontier);
            }
        } else if (before.latest != NONE) {
            if (exchange(frontier, &before, NONE, before.written)) {
                return is_behind ? RACE_PASSED : RACE_NOT_PASSED;
            }
        } else if (!is_behind) {
            return RACE_NOT_PASSED;
        } else {
            atomic_thread_fence(memory_order_seq_cst); /* the own tags come before; partner: exchange() of a writer */
            struct words now = load(frontier);
            if (now.latest == NONE && now.written == before.written) {
                return RACE_PASSED;
            }
            before = now;
        }
    }
}

enum race_passing race_frontier_pass(struct race_engine *engine, const struct race_plane *plane,
                                     const struct race_chunk *chunk, const struct race_piece *piece)
{
    enum race_passing passing = RACE_PASSED_OWN;
    uint64_t end = piece->address + piece->size;
    for (uint64_t at = piece->address & ~(uint64_t)(PLACE_BYTES - 1); at < end; at += PLACE_BYTES) {
        struct race_frontier *frontier = &engine->frontiers[race_place(plane, at) >> PLACE_SHIFT];
        enum race_passing here = (piece->flags & RACE_WRITE) != 0 ? pass_write(engine, plane, chunk, at, frontier)
                                                                  : pass_read(engine, plane, chunk, at, frontier);
        passing = here < passing ? here : passing;
    }
    return passing;
}

bool race_fetch(const struct race_engine *engine, const struct race_plane *plane, uint64_t address, bool writes)
{
    const struct race_part *part = race_part(plane);
    size_t place = race_place(plane, address);
    const struct race_chunk *chunk = &engine->chunks[place >> RACE_CHUNK_SHIFT];
    uint32_t word = (uint32_t)(place >> RACE_LINE_SHIFT) / 64;
    if (relaxed_load(&chunk->who) != race_shared_word(engine, address)) {
        return false;
    }
    __builtin_prefetch(&engine->frontiers[place >> PLACE_SHIFT], 1);
    __builtin_prefetch(&part->touched[word], 1);
    if (writes) {
        __builtin_prefetch(plane->writes + place, 1);
        __builtin_prefetch(&part->written[word], 1);
    }
    return (relaxed_load(&chunk->state) & RACE_STATE_SYNC) != 0;
}

/* ---- a chunk ---------------------------------------------------------------------------------------------------- */

static struct race_frontier *first_of(const struct race_engine *engine, const struct race_chunk *chunk)
{
    return &engine->frontiers[(size_t)(chunk - engine->chunks) * PLACES];
}

bool race_frontier_unseen(const struct race_engine *engine, const struct race_plane *plane,
                          const struct race_chunk *chunk)
{
    const struct race_frontier *first = first_of(engine, chunk);
    for (uint32_t i = 0; i < PLACES; i++) {
        uint64_t frontier = relaxed_load(&first[i].latest);
        if (is_known(frontier) && !is_seen(race_clock(plane), frontier)) {
            return true;
        }
    }
    return false;
}

static void fill(const struct race_engine *engine, const struct race_chunk *chunk, uint64_t frontier)
{
    struct race_frontier *first = first_of(engine, chunk);
    for (uint32_t i = 0; i < PLACES; i++) {
        relaxed_store(&first[i].latest, frontier);
        relaxed_store(&first[i].written, frontier);
    }
}

/* Returns: false when what an owner has seen of others may be seen for other reasons. */
static bool has_seen_by_clocks(const struct race_engine *engine)
{
    return relaxed_load(&engine->trusts) == 0;
}

static const uint8_t *tags_of_chunk(const struct race_engine *engine, const struct race_chunk *chunk,
                                    const struct race_part *part)
{
    return part->tags + (size_t)(chunk - engine->chunks) * RACE_CHUNK_BYTES;
}

static uint8_t latest_in_chunk(const uint8_t *tags)
{
    return bytes_wide_highest(tags, RACE_CHUNK_BYTES) >> 1;
}

/* In the first place, as no frontier: the owner's generation then, and which numbering that is of. */
void race_frontier_own(const struct race_engine *engine, const struct race_plane *plane, const struct race_chunk *chunk)
{
    const struct race_part *part = race_part(plane);
    uint64_t since = (uint64_t)relaxed_load(&part->version) << 8 | relaxed_load(&part->present);
    relaxed_store(&first_of(engine, chunk)->latest, ~since);
}

static uint64_t since_when(const struct race_engine *engine, const struct race_chunk *chunk)
{
    return ~relaxed_load(&first_of(engine, chunk)->latest);
}

bool race_frontier_owned_in_vain(const struct race_engine *engine, const struct race_chunk *chunk,
                                 const struct race_part *owner)
{
    uint64_t since = since_when(engine, chunk);
    return since >> 8 == relaxed_load(&owner->version) &&
           latest_in_chunk(tags_of_chunk(engine, chunk, owner)) <= (uint8_t)since;
}

bool race_frontier_owner_is_seen(const struct race_engine *engine, const struct race_plane *plane,
                                 const struct race_chunk *chunk, const struct race_part *owner)
{
    uint32_t version = race_version_begin(owner);
    uint8_t latest = latest_in_chunk(tags_of_chunk(engine, chunk, owner));
    return is_seen(race_clock(plane), frontier_of(owner, latest)) && race_version_stands(owner, version);
}

/* Returns: the generation behind which nobody but the owner was in the chunk; RACE_GENERATIONS when it is not known. */
static uint8_t owned_since(const struct race_engine *engine, const struct race_chunk *chunk, uint32_t state,
                           const struct race_part *owner)
{
    if (race_set_get(engine, state >> RACE_STATE_SET)->count == 1) {
        return 0;
    }
    uint64_t since = (state & RACE_STATE_TIMED) != 0 ? since_when(engine, chunk) : UINT64_MAX;
    return since >> 8 == relaxed_load(&owner->version) ? (uint8_t)since : RACE_GENERATIONS;
}

struct race_frontier_start race_frontier_begin(const struct race_engine *engine, const struct race_chunk *chunk,
                                               uint32_t state, const struct race_part *owner)
{
    bool is_sure = owner != NULL && has_seen_by_clocks(engine) && (state & RACE_STATE_CLEARED) == 0;
    struct race_frontier_start start = {is_sure ? owner : NULL, is_sure ? owned_since(engine, chunk, state, owner) : 0};
    fill(engine, chunk, is_sure ? BEGINNING : owner == NULL ? 0 : NONE);
    return start;
}

/* Returns: the frontier of a place where the owner was last in generation `g`, and in the chunk in `latest`, by which it has seen what
 * others did where it was not. */
static uint64_t frontier_behind(struct race_frontier_start start, uint8_t g, uint8_t latest)
{
    if (g <= start.since && start.since != 0) {
        return latest == 0 ? NONE : frontier_of(start.owner, latest);
    }
    return frontier_of(start.owner, g);
}

void race_frontier_set_behind(const struct race_engine *engine, const struct race_chunk *chunk,
                              struct race_frontier_start start)
{
    if (start.owner == NULL) {
        return;
    }
    /* seq_cst: that it is shared comes before the look at what its owner did meanwhile */
    atomic_thread_fence(memory_order_seq_cst);
    struct race_frontier *first = first_of(engine, chunk);
    const uint8_t *tags = tags_of_chunk(engine, chunk, start.owner),
                  *writes = tags - start.owner->tags + start.owner->writes;
    uint32_t version = race_version_begin(start.owner);
    uint8_t latest = latest_in_chunk(tags);
    for (uint32_t i = 0; i < PLACES; i++) {
        uint8_t g = latest_in_place(tags + (size_t)i * PLACE_BYTES);
        uint8_t wrote = latest_in_place(writes + (size_t)i * PLACE_BYTES);
        struct words beginning = {BEGINNING, BEGINNING};
        uint64_t frontier = frontier_behind(start, g, latest), written = frontier_behind(start, wrote, latest);
        if (race_version_stands(start.owner, version)) {
            (void)exchange(&first[i], &beginning, frontier, written);
        }
    }
}

void race_frontier_leave(struct race_engine *engine, const struct race_plane *plane, const struct race_chunk *chunk)
{
    bool is_sure = has_seen_by_clocks(engine);
    fill(engine, chunk, is_sure ? stamp(race_clock(plane)->slot, race_clock(plane)->epoch) : NONE);
}

void race_frontier_return(struct race_engine *engine, uint64_t low, uint64_t high)
{
    enum { UNIT = RACE_PAGE / sizeof(struct race_frontier) * PLACE_BYTES }; /* what a page is of */
    low = (low + UNIT - 1) & ~(uint64_t)(UNIT - 1);
    high &= ~(uint64_t)(UNIT - 1);
    if (low < high) {
        engine->host.discard(engine->host.ctx,
                             (void *)&engine->frontiers[((uint32_t)low & engine->window) >> PLACE_SHIFT],
                             (size_t)(high - low) / PLACE_BYTES * sizeof(struct race_frontier));
    }
}
