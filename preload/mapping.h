/* mapping.h: whether other processes may see a piece of memory, as the kernel tells.
 *
 *   address --> /proc/self/maps, line by line --> shared or private
 *
 * Costs a pass over the list of mappings: for objects met for the first time without an initialisation, not for calls.
 */
#ifndef LOCKHOUND_PRELOAD_MAPPING_H
#define LOCKHOUND_PRELOAD_MAPPING_H

#include <stdbool.h>
#include <stdint.h>

/* Returns: true when `address` lies in a shared mapping, or when that cannot be told.
 * Context: signal, in-malloc, loader-lock, early. */
bool mapping_is_shared(uintptr_t address);

#endif
