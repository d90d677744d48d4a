/* bytes.h: reads numbers from bytes of a file that nobody vouches for: past the end everything is 0 and `bad` is set.
 *
 * Invariant: at <= end; nothing outside [at, end) is ever touched.
 */
#ifndef LOCKHOUND_WEAVER_BYTES_H
#define LOCKHOUND_WEAVER_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *at, *end;
    bool bad;
};

/* Reads `size` bytes (at most 8), little-endian. */
static inline uint64_t bytes_unsigned(struct bytes *bytes, size_t size)
{
    uint64_t value = 0;
    if ((size_t)(bytes->end - bytes->at) < size) {
        bytes->bad = true;
        bytes->at = bytes->end;
        return 0;
    }
    memcpy(&value, bytes->at, size);
    bytes->at += size;
    return value;
}

static inline int64_t bytes_signed(struct bytes *bytes, size_t size)
{
    uint64_t value = bytes_unsigned(bytes, size);
    unsigned unused = 64 - 8 * (unsigned)size;
    return (int64_t)(value << unused) >> unused;
}

static inline void bytes_skip(struct bytes *bytes, uint64_t size)
{
    if ((uint64_t)(bytes->end - bytes->at) < size) {
        bytes->bad = true;
        bytes->at = bytes->end;
    } else {
        bytes->at += size;
    }
}

static inline uint64_t bytes_uleb(struct bytes *bytes)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint64_t byte = bytes_unsigned(bytes, 1);
        if (shift < 64)
            value |= (byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
}

static inline int64_t bytes_sleb(struct bytes *bytes)
{
    uint64_t value = 0;
    for (unsigned shift = 0;;) {
        uint64_t byte = bytes_unsigned(bytes, 1);
        if (shift < 64)
            value |= (byte & 0x7f) << shift;
        shift += 7;
        if (byte & 0x80)
            continue;
        if ((byte & 0x40) && shift < 64)
            value |= ~UINT64_C(0) << shift;
        return (int64_t)value;
    }
}

#endif
