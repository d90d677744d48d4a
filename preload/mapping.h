/* mapping.h: which mapping of the process an address is in, as the kernel tells.
 *
 *   address --> /proc/self/maps, line by line --> range, sharing, file
 *
 * Costs a pass over the list of mappings: for objects met for the first time without an initialisation, not for calls.
 */
#ifndef LOCKHOUND_PRELOAD_MAPPING_H
#define LOCKHOUND_PRELOAD_MAPPING_H

#include <stdbool.h>
#include <stdint.h>

enum { MAPPING_PATH_SIZE = 1024 };

struct mapping {
    uintptr_t low, high;
    uint64_t offset;        /* in the file, where `low` is */
    uint64_t device, inode; /* of the file; of anonymous memory when it is shared, 0 otherwise */
    bool shared;
    char path[MAPPING_PATH_SIZE]; /* "" for anonymous memory, "[heap]", "[stack]", ... */
};

/* Returns: true and the mapping that holds `address`; false when there is none or it cannot be told.
 * Context: signal, in-malloc, loader-lock, early. */
bool mapping_find(uintptr_t address, struct mapping *mapping);

/* Returns: true when `address` lies in a shared mapping, or when that cannot be told.
 * Context: signal, in-malloc, loader-lock, early. */
bool mapping_is_shared(uintptr_t address);

#endif
