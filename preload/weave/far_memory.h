/* far_memory.h: reservations of gigabytes, away from where the loader puts modules.
 *
 * The kernel gives out addresses next to the modules first.  What must lie within 2 GiB of a module that is loaded later, its
 * woven code, would find that room taken.
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_FAR_MEMORY_H
#define LOCKHOUND_PRELOAD_WEAVE_FAR_MEMORY_H

#include <stddef.h>

/* Returns: `size` bytes of zeros that no memory is set aside for, whatever the program has locked; NULL when there is no address space.
 * Context: signal, in-malloc, loader-lock. */
void *far_memory_reserve(size_t size, int protection);
/* Gives it back.  Context: signal, in-malloc, loader-lock. */
void far_memory_release(void *memory, size_t size);

#endif
