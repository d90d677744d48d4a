#include "detector/race_record.h"

#include "detector/bytes_wide.h"
#include "detector/race_chunk.h"
#include "detector/race_frontier.h"
#include "detector/race_touched.h"

/* Read tags, but for bytes that hold the present write tag. */
static void record_read(uint8_t *tags, uint8_t write_tag, size_t size)
{
    uint8_t read_tag = (uint8_t)(write_tag & ~1u);
    if (size >= BYTES_WIDE_PAYS) {
        size_t blocks = size / BYTES_WIDE_BLOCK * BYTES_WIDE_BLOCK;
        bytes_wide_lower(tags, blocks, write_tag);
        tags += blocks;
        size -= blocks;
    }
    for (; size >= 8; tags += 8, size -= 8) {
        if (!race_record_has(bytes_load(tags), BYTES_EACH(write_tag), 8)) {
            bytes_store(tags, BYTES_EACH(read_tag));
            continue;
        }
        for (size_t i = 0; i < 8; i++)
            if (tags[i] != write_tag)
                tags[i] = read_tag;
    }
    for (; size > 0; tags++, size--)
        if (*tags != write_tag)
            *(volatile uint8_t *)tags = read_tag;
}

void race_record(struct race_plane *plane, const struct race_piece *piece)
{
    size_t at = race_place(plane, piece->address);
    if ((piece->flags & RACE_ATOMIC) != 0)
        return; /* they leave no tags */
    plane->accessed = true;
    if ((piece->flags & RACE_WRITE) != 0) {
        bytes_fill(plane->writes + at, plane->write_tag, piece->size);
        bytes_fill(plane->tags + at, plane->write_tag, piece->size);
    } else {
        record_read(plane->tags + at, plane->write_tag, piece->size);
    }
}

void race_unrecord(const struct race_part *part, uint64_t address, size_t size)
{
    bytes_clear(part->tags + (address & part->window), size);
    bytes_clear(part->writes + (address & part->window), size);
}

bool race_is_known(const struct race_plane *plane, uint64_t address, uint64_t size, uint32_t flags)
{
    const uint8_t *tags = plane->tags + race_place(plane, address);
    uint64_t tag = BYTES_EACH(plane->write_tag), mask = (flags & RACE_WRITE) != 0 ? UINT64_MAX : BYTES_EACH(0xfe);
    if (race_place(plane, address) + size > (uint64_t)plane->window + 1)
        return false; /* it goes on at the window's beginning */
    if (size >= BYTES_WIDE_PAYS) {
        uint64_t same = bytes_wide_same(tags, size, tag, mask);
        if (size - same >= BYTES_WIDE_BLOCK)
            return false;
        tags += same;
        size -= same;
    }
    return bytes_same(tags, size, tag, mask);
}

bool race_note(struct race_engine *engine, struct race_plane *plane, uint64_t address)
{
    struct race_part *part = race_part(plane);
    const struct race_chunk *chunk = race_chunk_at(engine, address);
    uint32_t who = relaxed_load(&chunk->who);
    const struct race_piece piece = {.address = address, .size = 1};
    if (who == race_owner_word(plane, address)) {
        race_record(plane, &piece);
        return relaxed_load(&chunk->who) == who; /* else somebody takes it just now, and may not have seen the tag */
    }
    /* acquire: the set's members; partner: race_chunk_unlock() */
    uint32_t state = atomic_load_explicit(&chunk->state, memory_order_acquire);
    if (who != race_shared_word(engine, address) || part->inside || (state & RACE_STATE_SYNC) != 0 ||
        !race_is_touched(part, address) || !race_set_has(race_set_get(engine, state >> RACE_STATE_SET), plane->number))
        return false;
    race_touch_piece(part, &piece);
    race_record(plane, &piece);
    (void)race_frontier_pass(engine, plane, chunk, &piece);
    return true;
}
