/* memory_events.h: memory that libc touches on the program's behalf, and memory that is new.
 *
 *   memcpy, read, recv, ... --> memory_access() --\
 *   malloc, ...             --> memory_fresh()  --+--> race engine, on the calling thread's plane
 *   mmap, munmap, ...       --> memory_mapped() --/
 *
 * Inert: one test of self->plane while nothing is woven.
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_MEMORY_EVENTS_H
#define LOCKHOUND_PRELOAD_WEAVE_MEMORY_EVENTS_H

#include "detector/race.h"
#include "preload/self.h"

/* Out of line parts; the first also takes accesses that abi/ was told of.  Context: signal, in-malloc, loader-lock. */
void memory_access_woven(struct self *self, const void *address, size_t size, uint32_t flags, struct callers_id at);
void memory_fresh_woven(struct self *self, uintptr_t low, uintptr_t high);
void memory_mapped_woven(struct self *self, uintptr_t low, uintptr_t high);
/* As memory_access() of one byte that is read, but held only against what others do later, as race_note() does it.
 * Context: signal, in-malloc. */
void memory_note_woven(struct self *self, const void *address, struct callers_id at);

/* Part of access_is_known().  Context: signal, in-malloc, loader-lock. */
bool memory_is_known_woven(const struct self *self, const void *address, size_t size, uint32_t flags);

/* A hook's thread reads [address, address + size), or writes it (RACE_WRITE); flags of enum race_access_flag,
 * RACE_LIBRARY is added.  Call it between hook_enter() and hook_leave(): before the real call for what is read or freed,
 * after it for what it has truly written. */
static inline void memory_access(struct self *self, const void *address, size_t size, uint32_t flags,
                                 struct callers_id at)
{
    if (__builtin_expect(self->plane != NULL, 0) && size != 0)
        memory_access_woven(self, address, size, flags | RACE_LIBRARY, at);
}

/* [low, high) is given out anew: no history. */
static inline void memory_fresh(struct self *self, uintptr_t low, uintptr_t high)
{
    if (__builtin_expect(self->plane != NULL, 0) && low < high)
        memory_fresh_woven(self, low, high);
}

/* [low, high) was mapped, or is about to be unmapped: no history. */
static inline void memory_mapped(struct self *self, uintptr_t low, uintptr_t high)
{
    if (__builtin_expect(self->plane != NULL, 0) && low < high)
        memory_mapped_woven(self, low, high);
}

/* Returns: true when accesses made on the program's behalf are wanted at all: then their stack is worth taking. */
static inline bool memory_is_watched(const struct self *self)
{
    return __builtin_expect(self->plane != NULL, 0);
}

#endif
