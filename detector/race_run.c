/* race_run.c: what a loop is about to touch. */
#include "detector/race_run.h"

#include "detector/race_chunk.h"

bool race_run_may(struct race_engine *engine, uint64_t address, uint64_t size)
{
    if (engine->hidden_trusted != NULL) {
        return false; /* which locks are held counts for each access */
    }
    for (uint64_t at = address; at < address + size; at = (at | (RACE_CHUNK_BYTES - 1)) + 1) {
        if ((relaxed_load(&race_chunk_at(engine, at)->state) & RACE_STATE_SYNC) != 0) {
            return false;
        }
    }
    return true;
}

enum { BLOCK = 64 };

/* What the tags of an access look like, and which of their bits count. */
struct pattern {
    uint64_t tag, mask;
};

/* Returns: the bits in which 16 of the tags differ from the pattern. */
static uint64_t pair_differs(const uint8_t *tags, uint64_t tag)
{
    return (bytes_load(tags) ^ tag) | (bytes_load(tags + 8) ^ tag);
}

static uint64_t block_differs(const uint8_t *tags, uint64_t tag)
{
    return pair_differs(tags, tag) | pair_differs(tags + 16, tag) | pair_differs(tags + 32, tag) |
           pair_differs(tags + 48, tag);
}

/* Returns: how far the tags from `at` on are so: whole blocks, and the end when that is reached. */
static uint64_t skip_known(const uint8_t *tags, uint64_t at, uint64_t size, struct pattern pattern)
{
    uint64_t differs = 0;
    for (; at + BLOCK <= size; at += BLOCK) {
        if ((block_differs(tags + at, pattern.tag) & pattern.mask) != 0) {
            return at;
        }
    }
    for (uint64_t i = at; i < size; i++) {
        differs |= bytes_load_one(tags + i) ^ (pattern.tag & 0xff);
    }
    return (differs & pattern.mask & 0xff) == 0 ? size : at;
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
                         skip_known(tags, at, at + BLOCK < size ? at + BLOCK : size, pattern) == at)) {
        at += BLOCK;
    }
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

void race_run(struct race_engine *engine, struct race_plane *plane, const struct race_run *run)
{
    uint64_t each = RACE_CHUNK_BYTES / run->element;
    for (uint64_t done = 0; done < run->count; done += each) {
        uint64_t count = run->count - done < each ? run->count - done : each;
        uint64_t address = run->address + done * run->element;
        if (!race_access(engine, plane, address, count * run->element, run->flags | RACE_QUIET)) {
            continue;
        }
        for (uint64_t i = 0; i < count; i++) {
            race_access(engine, plane, address + i * run->element, run->element, run->flags);
        }
    }
}
