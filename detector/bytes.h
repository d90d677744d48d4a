/* bytes.h: looking at and filling rows of bytes without libc and without vector registers.
 *
 * The race engine runs where the program's vector registers are live, so neither memset() nor code that a compiler made
 * of one may be called.  Words are read and written at any alignment, 8 bytes at a time.
 */
#ifndef LOCKHOUND_DETECTOR_BYTES_H
#define LOCKHOUND_DETECTOR_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t bytes_word __attribute__((aligned(1), may_alias));

#define BYTES_EACH(byte) ((uint64_t)(byte)*UINT64_C(0x0101010101010101))
#define BYTES_HIGH       UINT64_C(0x8080808080808080)

/* volatile: other threads change these bytes at any time, and each load is to happen once. */
static inline uint64_t bytes_load(const uint8_t *from)
{
    return *(const volatile bytes_word *)from;
}

static inline void bytes_store(uint8_t *to, uint64_t word)
{
    *(volatile bytes_word *)to = word;
}

/* Stores the first 1, 2, 4 or 8 bytes of the word. */
static inline void bytes_store_part(uint8_t *to, uint64_t word, size_t count)
{
    typedef uint32_t half __attribute__((aligned(1), may_alias));
    typedef uint16_t quarter __attribute__((aligned(1), may_alias));
    switch (count) {
    case 8:
        bytes_store(to, word);
        break;
    case 4:
        *(volatile half *)to = (half)word;
        break;
    case 2:
        *(volatile quarter *)to = (quarter)word;
        break;
    default:
        *(volatile uint8_t *)to = (uint8_t)word;
        break;
    }
}

static inline uint8_t bytes_load_one(const uint8_t *from)
{
    return *(const volatile uint8_t *)from;
}

/* Returns: the first `count` (1..8) bytes at `from`, the others 0.  Reads 8 bytes. */
static inline uint64_t bytes_load_few(const uint8_t *from, size_t count)
{
    return bytes_load(from) & (~UINT64_C(0) >> (64 - 8 * count));
}

/* Returns: whether all bytes are those of `pattern` in the bits of `mask`.  Reads up to 7 bytes more. */
static inline bool bytes_same(const uint8_t *at, size_t count, uint64_t pattern, uint64_t mask)
{
    for (; count >= 8; at += 8, count -= 8)
        if (((bytes_load(at) ^ pattern) & mask) != 0)
            return false;
    return count == 0 || ((bytes_load(at) ^ pattern) & mask & (~UINT64_C(0) >> (64 - 8 * count))) == 0;
}

static inline void bytes_fill(uint8_t *to, uint8_t byte, size_t count)
{
    switch (count) {
    case 1:
        *(volatile uint8_t *)to = byte;
        return;
    case 8:
        bytes_store(to, BYTES_EACH(byte));
        return;
    default:
        break;
    }
    if (count >= 64) {
        __asm__ volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(byte) : "memory");
        return;
    }
    for (; count >= 8; to += 8, count -= 8)
        bytes_store(to, BYTES_EACH(byte));
    for (; count > 0; to++, count--)
        *(volatile uint8_t *)to = byte;
}

/* Makes bytes zero without writing to pages that hold nothing but zeros. */
static inline void bytes_clear(uint8_t *at, size_t count)
{
    for (; count >= 8; at += 8, count -= 8)
        if (bytes_load(at) != 0)
            bytes_store(at, 0);
    for (; count > 0; at++, count--)
        if (bytes_load_one(at) != 0)
            *(volatile uint8_t *)at = 0;
}

/* Returns: true when a byte of `word` is greater than `limit`; bytes and limit are below 0x80. */
static inline bool bytes_any_above(uint64_t word, uint8_t limit)
{
    return ((word + BYTES_EACH(0x7f - limit)) & BYTES_HIGH) != 0;
}

#endif
