/* image_search.h: look-ups in the tables of an image (image.h), by halves.
 *
 * Model:  each element begins with the uint32_t by which the table ascends: an address in the module or an offset in the code.
 */
#ifndef LOCKHOUND_WEAVER_IMAGE_SEARCH_H
#define LOCKHOUND_WEAVER_IMAGE_SEARCH_H

#include <stddef.h>
#include <stdint.h>

/* Returns: how many of the `count` elements of `size` bytes begin with a number below `key`. */
static inline uint64_t image_count_below(const void *elements, uint64_t count, size_t size, uint64_t key)
{
    uint64_t low = 0, high = count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (*(const uint32_t *)((const char *)elements + middle * size) < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Returns: the first element that begins with `key`; NULL when there is none. */
static inline const void *image_find(const void *elements, uint64_t count, size_t size, uint64_t key)
{
    uint64_t at = image_count_below(elements, count, size, key);
    const char *element = (const char *)elements + at * size;
    return at < count && *(const uint32_t *)element == key ? element : NULL;
}

#endif
