#include "preload/weave/lanes.h"

enum { BYTE_BITS = 8 };

#define ON_THE_WAY __attribute__((section("lockhound_slow")))

ON_THE_WAY static uint64_t low_bits(unsigned count)
{
    return count == 0 ? 0 : UINT64_MAX >> (64 - count);
}

/* Returns: a bit for each element that is chosen. */
ON_THE_WAY static uint64_t chosen(const struct image_lanes *told, const uint8_t *mask)
{
    uint64_t bits = 0;
    if (!told->has_signs) {
        __builtin_memcpy(&bits, mask, sizeof bits);
        return bits & low_bits(told->count);
    }
    unsigned log2_size = told->kind == IMAGE_LANES_CHOSEN ? told->index : told->element;
    for (unsigned i = 0; i < told->count; i++) {
        unsigned last = ((i + 1) << log2_size) - 1;
        bits |= (uint64_t)(mask[last] >> (BYTE_BITS - 1)) << i;
    }
    return bits;
}

/* Returns: the same of those in memory, which are fewer where one stands for several. */
ON_THE_WAY static uint64_t in_memory(const struct image_lanes *told, uint64_t bits, unsigned elements)
{
    uint64_t folded = bits;
    unsigned count = 0;
    for (; told->kind == IMAGE_LANES_PACKED && bits != 0; bits &= bits - 1)
        count++;
    if (told->kind == IMAGE_LANES_PACKED)
        return low_bits(count);
    for (unsigned at = elements; at < told->count; at += elements)
        folded |= bits >> at;
    return folded & low_bits(elements);
}

/* Returns: a bit for each byte of those elements. */
ON_THE_WAY static uint64_t spread(uint64_t elements, unsigned log2_size)
{
    unsigned size = 1U << log2_size;
    uint64_t bytes = 0;
    for (; elements != 0; elements &= elements - 1)
        bytes |= low_bits(size) << ((unsigned)__builtin_ctzll(elements) * size);
    return bytes;
}

/* Returns: a bit for each byte of the elements that the chosen bits stand for. */
ON_THE_WAY static uint64_t in_order(const struct image_lanes *told, uint64_t bits, const struct routine_frame *frame)
{
    enum { ORDER_BITS = 4, LANES_SHIFT = 16 };
    uint64_t order = (uint64_t)routine_mark(frame, 3) << 32 | routine_mark(frame, 2), elements = 0;
    for (bits &= routine_mark(frame, 1) >> LANES_SHIFT; bits != 0; bits &= bits - 1)
        elements |= UINT64_C(1) << (order >> (ORDER_BITS * (unsigned)__builtin_ctzll(bits)) & 0xf);
    return spread(elements, told->element);
}

ON_THE_WAY struct lanes_walk lanes_begin(const struct plane_header *header, uint64_t address,
                                         const struct image_site *site, const struct routine_frame *frame)
{
    struct lanes_walk walk = {
        .told = image_lanes_read(routine_mark(frame, 1)), .indices = header->lanes.index, .address = address};
    walk.left = chosen(&walk.told, header->lanes.mask);
    if (walk.told.kind == IMAGE_LANES_CHOSEN)
        walk.left = in_order(&walk.told, walk.left, frame);
    else if (walk.told.kind != IMAGE_LANES_GATHERED)
        walk.left = spread(in_memory(&walk.told, walk.left, site->size >> walk.told.element), walk.told.element);
    return walk;
}

ON_THE_WAY static uint64_t index_at(const struct lanes_walk *walk, unsigned lane)
{
    int32_t index;
    uint64_t long_index;
    const uint8_t *at = walk->indices + ((size_t)lane << walk->told.index);
    if (walk->told.index == 3) {
        __builtin_memcpy(&long_index, at, sizeof long_index);
        return long_index;
    }
    __builtin_memcpy(&index, at, sizeof index);
    return (uint64_t)(int64_t)index;
}

ON_THE_WAY bool lanes_next(struct lanes_walk *walk, uint64_t *address, uint64_t *size)
{
    struct image_stretch stretch;
    if (walk->told.kind != IMAGE_LANES_GATHERED) {
        if (!image_stretch_next(&walk->left, &stretch))
            return false;
        *address = walk->address + stretch.at;
        *size = stretch.size;
        return true;
    }
    if (walk->left == 0)
        return false;
    unsigned lane = (unsigned)__builtin_ctzll(walk->left);
    walk->left &= walk->left - 1;
    *address = walk->address + (index_at(walk, lane) << walk->told.scale);
    *size = UINT64_C(1) << walk->told.element;
    return true;
}

/* Eight at a time: behind the window there is room. */
ON_THE_WAY bool lanes_tags_know(const struct plane_header *header, uint64_t address, uint64_t size, bool is_write)
{
    const uint8_t *window = (const uint8_t *)header + PLANE_SKEW;
    uint64_t kept = is_write ? UINT64_MAX : header->generations, tag = is_write ? header->write_tag : header->read_tag;
    for (uint64_t done = 0, tags; done < size; done += sizeof tags) {
        uint64_t left = size - done, beyond = left < sizeof tags ? sizeof tags - left : 0;
        __builtin_memcpy(&tags, window + ((uint32_t)(address + done) & header->window), sizeof tags);
        if (((tags & kept) ^ tag) << BYTE_BITS * beyond != 0)
            return false;
    }
    return true;
}

ON_THE_WAY bool lanes_are_known(const struct plane_header *header, uint64_t address, const struct routine_frame *frame)
{
    const struct image_site site = image_mark_read(routine_mark(frame, 0));
    struct lanes_walk walk = lanes_begin(header, address, &site, frame);
    uint64_t at, size;
    while (lanes_next(&walk, &at, &size))
        if (!lanes_tags_know(header, at, size, (site.flags & IMAGE_SITE_WRITE) != 0))
            return false;
    return true;
}
