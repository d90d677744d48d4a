/* access.c: plain accesses of objects compiled with -fsanitize=thread.
 * Source: compiler-rt's tsan_interface.h and gcc's sanitizer.def, for the names and what they mean. */
#include "preload/abi/access.h"

#include <errno.h>
#include <string.h>

#include "preload/abi/tsan.h"
#include "preload/lockhound.h"
#include "preload/weave/callers.h"
#include "preload/weave/memory_events.h"

void abi_miss(uint64_t address, uint64_t size, uint32_t flags, uintptr_t pc, uintptr_t sp)
{
    int saved = errno;
    struct self *self = hook_enter();
    if (self != NULL && self->ignored[(flags & RACE_WRITE) != 0 ? SELF_IGNORES_WRITES : SELF_IGNORES_READS] == 0)
        memory_access_woven(self, (const void *)(uintptr_t)address, size, flags,
                            callers_of(stack_cache_take(&self->stacks, pc, sp)));
    if (self != NULL)
        hook_leave(self);
    errno = saved;
}

/* Woven code and compiled checks would tell everything twice, so such modules are not woven; nothing is to start here. */
HOOK_EXPORT void __tsan_init(void)
{
}

/* Stacks are unwound, not kept: nothing to do at the begin and end of a function. */
HOOK_EXPORT void __tsan_func_entry(void *caller)
{
    (void)caller;
}
HOOK_EXPORT void __tsan_func_exit(void)
{
}

HOOK_EXPORT void __tsan_vptr_update(void **vptr, void *value)
{
    if (*vptr != value) /* a destructor that sets what stands there already is no race: LLVM's rule */
        abi_access(vptr, sizeof *vptr, RACE_WRITE, ABI_PC(), ABI_SP());
}
HOOK_EXPORT void __tsan_vptr_read(void **vptr)
{
    abi_access(vptr, sizeof *vptr, 0, ABI_PC(), ABI_SP());
}

HOOK_EXPORT void __tsan_read_range(void *place, unsigned long size)
{
    if (size != 0 && self_current > SELF_GONE && self_current->plane != NULL)
        abi_miss((uint64_t)(uintptr_t)place, size, 0, ABI_PC(), ABI_SP());
}
HOOK_EXPORT void __tsan_write_range(void *place, unsigned long size)
{
    if (size != 0 && self_current > SELF_GONE && self_current->plane != NULL)
        abi_miss((uint64_t)(uintptr_t)place, size, RACE_WRITE, ABI_PC(), ABI_SP());
}

/* The compiler's own calls of these three, in clang's code. */
HOOK_EXPORT void *__tsan_memcpy(void *to, const void *from, unsigned long size)
{
    __tsan_read_range((void *)(uintptr_t)from, size);
    __tsan_write_range(to, size);
    return memcpy(to, from, size);
}
HOOK_EXPORT void *__tsan_memmove(void *to, const void *from, unsigned long size)
{
    __tsan_read_range((void *)(uintptr_t)from, size);
    __tsan_write_range(to, size);
    return memmove(to, from, size);
}
HOOK_EXPORT void *__tsan_memset(void *to, int value, unsigned long size)
{
    __tsan_write_range(to, size);
    return memset(to, value, size);
}

#define ACCESS(name, size, flags)                                                                                      \
    HOOK_EXPORT void name##size(void *place)                                                                           \
    {                                                                                                                  \
        abi_access(place, size, flags, ABI_PC(), ABI_SP());                                                            \
    }
#define ACCESSES(name, flags)                                                                                          \
    ACCESS(name, 1, flags) ACCESS(name, 2, flags) ACCESS(name, 4, flags) ACCESS(name, 8, flags) ACCESS(name, 16, flags)

ACCESSES(__tsan_read, 0)
ACCESSES(__tsan_write, RACE_WRITE)
ACCESSES(__tsan_unaligned_read, 0)
ACCESSES(__tsan_unaligned_write, RACE_WRITE)
ACCESSES(__tsan_volatile_read, 0)
ACCESSES(__tsan_volatile_write, RACE_WRITE)
ACCESSES(__tsan_unaligned_volatile_read, 0)
ACCESSES(__tsan_unaligned_volatile_write, RACE_WRITE)
ACCESSES(__tsan_read_write, RACE_WRITE | RACE_READ_MODIFY)
ACCESSES(__tsan_unaligned_read_write, RACE_WRITE | RACE_READ_MODIFY)
