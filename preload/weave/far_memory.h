/* far_memory.h: mappings of gigabytes, away from where the loader puts modules.
 *
 * The kernel gives out addresses next to the modules first.  What must lie within 2 GiB of a module that is loaded later, its
 * woven code, would find that room taken: by planes, or by the files of the images themselves.
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_FAR_MEMORY_H
#define LOCKHOUND_PRELOAD_WEAVE_FAR_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Returns: where `size` bytes may be mapped, as a hint for the kernel.  Context: signal, in-malloc, loader-lock. */
uintptr_t far_memory_hint(size_t size);
/* Returns: `size` bytes of zeros that no memory is set aside for, whatever the program has locked; NULL when there is no address space.
 * Context: signal, in-malloc, loader-lock. */
void *far_memory_reserve(size_t size, int protection);
/* Gives it back.  Context: signal, in-malloc, loader-lock. */
void far_memory_release(void *memory, size_t size);

#endif
