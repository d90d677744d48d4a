/* arena.h: the library's own memory; the program's allocator is never asked.
 *
 *   arena_alloc(size) --> size class 64 << k --> free list of that class, else the end of the current chunk (mmap)
 *                    \--> larger than a chunk's worth --> its own mapping
 *
 * Invariant: what is returned is zeroed and aligned to 64; arena_used() is what is out.
 * Threads:   OWN_RANK_ARENA; meant for things that live long, not for a hot path.
 */
#ifndef LOCKHOUND_PRELOAD_ARENA_H
#define LOCKHOUND_PRELOAD_ARENA_H

#include <stddef.h>

/* Context: signal, in-malloc, loader-lock, early, takes(OWN_RANK_ARENA).  Returns: NULL when mmap refuses or the limit
 * is reached. */
void *arena_alloc(size_t size);
void arena_free(void *memory, size_t size);

/* Units: bytes; 0 for no limit.  Before the second thread.  Context: early. */
void arena_set_limit(size_t bytes);
/* Units: bytes.  Context: signal, in-malloc, loader-lock, early, takes(OWN_RANK_ARENA). */
size_t arena_used(void);

#endif
