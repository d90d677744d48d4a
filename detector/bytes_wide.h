/* bytes_wide.h: looking at and marking long rows of bytes, for code that is compiled without vector registers.
 *
 * Each function keeps the registers that it uses (SSE2, which all x86-64 has) and gives them back, as the program had them; what
 * lies above their 128 bits is not touched.  That pays from BYTES_WIDE_PAYS bytes on.
 * Rows:    of whole blocks; other threads change them at any time, as in bytes.h.
 * Test:    tests/unit/test_bytes_wide.c; tests/programs/weave/check_vectors.py, that registers are kept.
 */
#ifndef LOCKHOUND_DETECTOR_BYTES_WIDE_H
#define LOCKHOUND_DETECTOR_BYTES_WIDE_H

#include <stddef.h>
#include <stdint.h>

enum { BYTES_WIDE_BLOCK = 64, BYTES_WIDE_PAYS = 256 };

/* Returns: how many of the `count` bytes, by whole blocks from the first on, are those of `pattern` in the bits of `mask`. */
size_t bytes_wide_same(const uint8_t *at, size_t count, uint64_t pattern, uint64_t mask);
/* Makes each of the bytes `tag` without its lowest bit, but for those that are `tag`, whose lowest bit is set. */
void bytes_wide_lower(uint8_t *at, size_t count, uint8_t tag);
/* Returns: the highest byte. */
uint8_t bytes_wide_highest(const uint8_t *at, size_t count);

#endif
