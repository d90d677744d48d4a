/* malloc_host.h: a single-threaded detector_host on malloc that counts what is not given back.
 *
 * Tests compare malloc_host_bytes() with 0 after deleting what they made, and can make allocation fail.
 */
#ifndef LOCKHOUND_TESTS_UNIT_MALLOC_HOST_H
#define LOCKHOUND_TESTS_UNIT_MALLOC_HOST_H

#include "detector/host.h"

extern const struct detector_host malloc_host;

/* Units: bytes allocated and not given back. */
size_t malloc_host_bytes(void);
/* The host has memory for `count` more allocations; SIZE_MAX for no limit. */
void malloc_host_limit(size_t count);

#endif
