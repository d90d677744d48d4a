/* race_run.c: what a loop is about to touch. */
#include "detector/race_run.h"

#include "detector/bytes_wide.h"
#include "detector/race_chunk.h"
#include "detector/race_record.h"

bool race_run_may(struct race_engine *engine, uint64_t address, uint64_t size)
{
    if (engine->hidden_trusted != NULL)
        return false; /* which locks are held counts for each access */
    for (uint64_t at = address; at < address + size; at = (at | (RACE_CHUNK_BYTES - 1)) + 1)
        if ((relaxed_load(&race_chunk_at(engine, at)->state) & RACE_STATE_SYNC) != 0)
            return false;
    return true;
}

enum { BLOCK = BYTES_WIDE_BLOCK };

/* What the tags of an access look like, and which of their bits count. */
struct pattern {
    uint64_t tag, mask;
};

/* Returns: how far the tags from `at` on are so: whole blocks, and the end when that is reached. */
static uint64_t skip_known(const uint8_t *tags, uint64_t at, uint64_t size, struct pattern pattern)
{
    if (size - at >= BYTES_WIDE_PAYS)
        at += bytes_wide_same(tags + at, size - at, pattern.tag, pattern.mask);
    while (at < size) {
        uint64_t here = size - at < BLOCK ? size - at : BLOCK;
        if (!bytes_same(tags + at, here, pattern.tag, pattern.mask))
            break;
        at += here;
    }
    return at;
}

/* Returns: whether the block at `at` begins with a tag that is not so: most that are unknown do. */
static bool begins_unknown(const uint8_t *tags, uint64_t at, uint64_t size, struct pattern pattern)
{
    return at + 8 <= size && ((bytes_load(tags + at) ^ pattern.tag) & pattern.mask) != 0;
}

/* Returns: where the first block begins that is so, or the end. */
static uint64_t skip_unknown(const uint8_t *tags, uint64_t at, uint64_t size, struct pattern pattern)
{
    while (at < size && (begins_unknown(tags, at, size, pattern) ||
                         skip_known(tags, at, at + BLOCK < size ? at + BLOCK : size, pattern) == at))
        at += BLOCK;
    return at < size ? at : size;
}

bool race_run_next(const struct race_plane *plane, struct race_run *run, uint64_t most, struct race_run *stretch)
{
    const uint8_t *tags = plane->tags + race_place(plane, run->address);
    bool writes = (run->flags & RACE_WRITE) != 0;
    const struct pattern pattern = {BYTES_EACH(plane->write_tag), writes ? UINT64_MAX : BYTES_EACH(0xfe)};
    uint64_t size = run->count * run->element, low = 0, high = size;
    if (race_place(plane, run->address) + size <=
        (uint64_t)plane->window + 1) { /* else it goes on at the window's beginning */
        low = skip_known(tags, 0, size, pattern);
        high = skip_unknown(tags, low, size, pattern);
    }
    high = high - low < most ? high : low + most / BLOCK * BLOCK;
    *stretch = *run;
    stretch->address += low;
    stretch->count = (high - low) / run->element;
    run->address += high;
    run->count -= high / run->element;
    return stretch->count > 0;
}

/* Returns: how many bytes from `address` on lie in chunks that are the thread's own. */
static uint64_t owned_bytes(struct race_engine *engine, const struct race_plane *plane, uint64_t address, uint64_t size)
{
    uint64_t left =
        (uint64_t)plane->window + 1 - race_place(plane, address); /* behind that it goes on at the beginning */
    uint64_t at = address, end = address + (size < left ? size : left);
    while (at < end && relaxed_load(&race_chunk_at(engine, at)->who) == race_owner_word(plane, at))
        at = (at | (RACE_CHUNK_BYTES - 1)) + 1;
    return (at < end ? at : end) - address;
}

/* Part of a chunk of others, or of all, and what lies across its end. */
static void run_shared(struct race_engine *engine, struct race_plane *plane, const struct race_run *run)
{
    if (!race_access(engine, plane, run->address, run->count * run->element, run->flags | RACE_QUIET))
        return;
    for (uint64_t i = 0; i < run->count; i++)
        race_access(engine, plane, run->address + i * run->element, run->element, run->flags);
}

void race_run(struct race_engine *engine, struct race_plane *plane, const struct race_run *run)
{
    struct race_run left = *run;
    while (left.count > 0) {
        uint64_t size = left.count * left.element,
                 owned = owned_bytes(engine, plane, left.address, size) / left.element;
        struct race_run here = left;
        if (owned > 0) {
            /* As the quick path. */
            here.count = owned;
            race_record(plane, &(struct race_piece){left.address, owned * left.element, left.flags});
        } else {
            uint64_t rest = (RACE_CHUNK_BYTES - left.address % RACE_CHUNK_BYTES) / left.element;
            here.count = rest == 0 ? 1 : rest < left.count ? rest : left.count;
            run_shared(engine, plane, &here);
        }
        left.address += here.count * left.element;
        left.count -= here.count;
    }
}
