/* undescribed.h: code that is not woven because nothing says where its functions are, and whether it synchronises.
 *
 *   code of the module - functions (.eh_frame, symbols) - PLT --bytes--> LOCK-prefixed cmpxchg, xadd, bts, ...?
 *
 * Why:     programs built without unwind tables and stripped (Chromium) are run as they are.  What their atomic operations order is
 *          not seen, so that a race claimed beside them may be none.
 * Model:   the bytes of the prefix and of such an operation with an operand in memory.  Other operations may have the prefix; who
 *          makes locks and queues of atomics has one of these as well.  Assembly for vectors and the like has none.
 */
#ifndef LOCKHOUND_WEAVER_UNDESCRIBED_H
#define LOCKHOUND_WEAVER_UNDESCRIBED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_module;

/* Where counting ends. */
enum { UNDESCRIBED_ATOMICS_MOST = 16 };

struct undescribed {
    uint64_t size;    /* of pieces that are no mere padding.  Units: bytes */
    uint64_t atomics; /* at least; counting ends after some */
};

/* `is_left`: the module is not woven at all, so that all of its code counts. */
struct undescribed undescribed_find(const struct elf_module *module, bool is_left);

/* Returns: the atomic operations in these bytes of code, up to UNDESCRIBED_ATOMICS_MOST. */
uint64_t undescribed_atomics_in(const uint8_t *code, size_t size);

#endif
