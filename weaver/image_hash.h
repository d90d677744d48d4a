/* image_hash.h: FNV-1a over 64-bit words, as the checksums of woven images are made.
 *
 * The last word of a piece that is no multiple of 8 bytes is filled up with zeros.
 */
#ifndef LOCKHOUND_WEAVER_IMAGE_HASH_H
#define LOCKHOUND_WEAVER_IMAGE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define IMAGE_HASH_START UINT64_C(0xcbf29ce484222325)

/* Returns: the hash of what `hash` is of and then `size` bytes. */
static inline uint64_t image_hash(uint64_t hash, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    while (size) {
        uint64_t word = 0;
        size_t length = size < 8 ? size : 8;
        if (length == 8) {
            __builtin_memcpy(&word, at, 8);
        } else {
            for (size_t i = 0; i < length; i++) {
                word |= (uint64_t)at[i] << (8 * i);
            }
        }
        hash = (hash ^ word) * UINT64_C(0x100000001b3);
        at += length;
        size -= length;
    }
    return hash;
}

#endif
