/* image_hash.h: FNV-1a over 64-bit words, as the checksums of woven images are made.
 *
 *   words  0 4 8 ... --> lane 0 \
 *          1 5 9 ... --> lane 1  \
 *          2 6 10 .. --> lane 2  /  --> one after the other, then the words behind the last whole row of four
 *          3 7 11 .. --> lane 3 /
 *
 * Model: each lane is a hash of its own, so that four multiplications go on at once.  The last word of a piece that is no
 *        multiple of 8 bytes is filled up with zeros.
 */
#ifndef LOCKHOUND_WEAVER_IMAGE_HASH_H
#define LOCKHOUND_WEAVER_IMAGE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define IMAGE_HASH_START UINT64_C(0xcbf29ce484222325)

static inline uint64_t image_hash_word(uint64_t hash, uint64_t word)
{
    return (hash ^ word) * UINT64_C(0x100000001b3);
}

/* Returns: the hash of what `hash` is of and then `size` bytes. */
static inline uint64_t image_hash(uint64_t hash, const void *bytes, size_t size)
{
    enum { LANES = 4, WORD = 8 };
    const uint8_t *at = bytes;
    uint64_t lanes[LANES] = {hash, hash, hash, hash}, row[LANES];
    for (; size >= sizeof row; at += sizeof row, size -= sizeof row) {
        __builtin_memcpy(row, at, sizeof row);
        for (size_t i = 0; i < LANES; i++)
            lanes[i] = image_hash_word(lanes[i], row[i]);
    }
    for (size_t i = 0; i < LANES; i++)
        hash = image_hash_word(hash, lanes[i]);
    while (size) {
        uint64_t word = 0;
        size_t length = size < WORD ? size : WORD;
        for (size_t i = 0; i < length; i++)
            word |= (uint64_t)at[i] << (8 * i);
        hash = image_hash_word(hash, word);
        at += length;
        size -= length;
    }
    return hash;
}

#endif
