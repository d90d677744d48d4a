#include "preload/intercept/memory.h"

#include <errno.h>
#include <string.h>

#include "preload/emit.h"
#include "preload/hook.h"

/* malloc_usable_size() of the allocator that real.free() belongs to; NULL when that has none. */
static size_t (*usable_size)(void *memory);

void memory_init(void)
{
    void *found = dlsym(RTLD_NEXT, "malloc_usable_size");
    Dl_info of_size, of_free;
    if (found == NULL || dladdr(found, &of_size) == 0 || dladdr((void *)(uintptr_t)real.free, &of_free) == 0)
        return;
    /* The size function of one allocator reads another's blocks wrongly. */
    if (of_size.dli_fbase == of_free.dli_fbase)
        memcpy(&usable_size, &found, sizeof found);
}

/* Returns: one past the block; of a block of unknown size only its first byte is known to be its own.  In a thread that
 * has ended libc frees the thread's own storage, where no object is, and an allocator's question for a size may use
 * what that thread no longer has (seen with jemalloc). */
static uint64_t block_end(void *memory)
{
    bool is_known = usable_size != NULL && self_current != SELF_GONE;
    return (uint64_t)(uintptr_t)memory + (is_known ? usable_size(memory) : 1);
}

static inline bool may_hold_object(void *memory)
{
    return hook_likely(lockhound.ready) && memory != NULL &&
           hook_unlikely(object_may_live_in(lockhound.detector, (uint64_t)(uintptr_t)memory, block_end(memory)));
}

/* `pc` and `sp` are the caller's, after the interposed function's return. */
__attribute__((noinline, cold)) static void range_gone(uint64_t low, uint64_t high, bool was_freed, uintptr_t pc,
                                                       uintptr_t sp)
{
    int saved = errno;
    struct self *self = hook_enter();
    if (self != NULL) {
        emit_object_range_gone(self, low, high, was_freed, stack_cache_take(&self->stacks, pc, sp));
        hook_leave(self);
    }
    errno = saved;
}

/* The caller's program counter and stack pointer; unlike __builtin_frame_address() they cost no frame pointer. */
#define CALLER_PC() ((uintptr_t)__builtin_return_address(0))
#define CALLER_SP() ((uintptr_t)__builtin_dwarf_cfa())

HOOK_EXPORT void free(void *memory)
{
    if (may_hold_object(memory))
        range_gone((uint64_t)(uintptr_t)memory, block_end(memory), true, CALLER_PC(), CALLER_SP());
    real.free(memory);
}

/* Whether a block moves is known only afterwards.  An object made meanwhile by another thread in memory just given
 * back would be forgotten with the old ones; forgetting before would forget those of every block that stays. */
static inline void *resize(void *memory, size_t size, uintptr_t pc, uintptr_t sp)
{
    if (!may_hold_object(memory))
        return real.realloc(memory, size);
    uint64_t low = (uint64_t)(uintptr_t)memory, high = block_end(memory);
    void *result = real.realloc(memory, size);
    bool is_gone = result != NULL || size == 0;
    if (is_gone && (uint64_t)(uintptr_t)result != low)
        range_gone(low, high, true, pc, sp);
    return result;
}

HOOK_EXPORT void *realloc(void *memory, size_t size)
{
    return resize(memory, size, CALLER_PC(), CALLER_SP());
}

/* Not by real.reallocarray(): libc's calls realloc(), which is ours again. */
HOOK_EXPORT void *reallocarray(void *memory, size_t count, size_t size)
{
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return resize(memory, bytes, CALLER_PC(), CALLER_SP());
}

/* Before the call: afterwards another thread may already have mapped something else there. */
HOOK_EXPORT int munmap(void *memory, size_t size)
{
    uint64_t low = (uint64_t)(uintptr_t)memory, high = low + size;
    if (lockhound.ready && high > low && object_may_live_in(lockhound.detector, low, high))
        range_gone(low, high, false, CALLER_PC(), CALLER_SP());
    return real.munmap(memory, size);
}
