/* sorted.h: look-ups by halves in arrays that ascend by a number that each element has.
 *
 * Model:  SORTED_BELOW(array, count, member, key): how many of the elements have a `member`, a uint64_t, below `key`; that is where
 *         the first stands that has not.  SORTED_UP_TO: the same up to `key`, and the last of them is what begins nearest.
 *         The array may be NULL when there is no element.
 */
#ifndef LOCKHOUND_WEAVER_SORTED_H
#define LOCKHOUND_WEAVER_SORTED_H

#include <stddef.h>
#include <stdint.h>

static inline size_t sorted_below(const void *array, size_t count, size_t size, size_t offset, uint64_t key)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (*(const uint64_t *)(const void *)((const char *)array + middle * size + offset) < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

#define SORTED_BELOW(array, count, member, key)                                                                        \
    sorted_below(array, count, sizeof *(array),                                                                        \
                 _Generic((array)->member, uint64_t                                                                    \
                          : offsetof(__typeof__(*(array)), member)),                                                   \
                 key)
/* There is nothing at UINT64_MAX. */
#define SORTED_UP_TO(array, count, member, key) SORTED_BELOW(array, count, member, (key) + 1)

#endif
