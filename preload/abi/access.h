/* access.h: one memory access that a compiler told of, from the call to the race engine.
 *
 *   __tsan_read4(p) --> tags say known in this epoch? --yes--> return
 *                                                     \--no--> abi_miss() --> history, race engine
 *
 * The compiler's call stands before the access; the caller's return address is the place.
 */
#ifndef LOCKHOUND_PRELOAD_ABI_ACCESS_H
#define LOCKHOUND_PRELOAD_ABI_ACCESS_H

#include "preload/hook.h"
#include "preload/weave/plane.h"

/* Out of line: takes the caller's stack (`pc`, `sp` as for stack_cache_take()), records and checks.  Context: signal. */
void abi_miss(uint64_t address, uint64_t size, uint32_t flags, uintptr_t pc, uintptr_t sp);

#define ABI_PC() ((uintptr_t)__builtin_return_address(0))
#define ABI_SP() ((uintptr_t)__builtin_dwarf_cfa())

/* Returns: true when the thread has recorded this very access in its present epoch; `size` is 1, 2, 4, 8 or 16. */
static inline bool abi_is_known(const struct race_plane *race, uint64_t address, uint64_t size, bool write)
{
    const uint8_t *tags = race->tags + race_place(race, address);
    uint8_t ignore = write ? 0 : 1; /* a read is known by either tag */
    for (uint64_t i = 0; i < size; i++)
        if ((tags[i] | ignore) != race->write_tag)
            return false;
    return true;
}

static inline __attribute__((always_inline)) void abi_access(const volatile void *place, uint64_t size, uint32_t flags,
                                                             uintptr_t pc, uintptr_t sp)
{
    const struct self *self = self_current;
    uint64_t address = (uint64_t)(uintptr_t)place;
    if (hook_unlikely(self <= SELF_GONE || self->plane == NULL))
        return;
    if (hook_unlikely(!abi_is_known(&self->plane->race, address, size, (flags & RACE_WRITE) != 0)))
        abi_miss(address, size, flags, pc, sp);
}

#endif
