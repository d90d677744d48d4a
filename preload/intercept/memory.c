#include "preload/intercept/memory.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>

#include "preload/emit.h"
#include "preload/intercept/io.h"
#include "preload/modules.h"
#include "preload/page.h"
#include "preload/weave/blocks.h"

/* Of a block that goes, so much counts as accessed.  Units: bytes. */
enum { FREED_CHECKED_MAX = 1024 };

/* malloc_usable_size() of the allocator that real.free() belongs to; NULL when that has none. */
static size_t (*usable_size)(void *memory);

/* Where the loader lies; all 0 where it is the program (ld.so PROGRAM). */
static struct {
    uintptr_t low, high;
} loader;

void memory_init(void)
{
    const struct module *module = module_of(getauxval(AT_BASE));
    if (module != NULL) {
        loader.low = module->low;
        loader.high = module->high;
    }
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

/* ---- blocks, where races are looked for, and accesses, while they are checked ------------------------------------ */

/* Before the first thread so many blocks are traced to wherever they come from; then, of those smaller than this that come
 * from a stack that is not known by heart, one in so many: compilers allocate millions, each from a place of its own. */
enum { TRACED_ALL = 1 << 16, TRACED_ALWAYS_SIZE = 4096, TRACED_ONE_IN = 64 };

/* One thread counts. */
static bool is_worth_tracing(size_t size)
{
    static uint32_t traced;
    return traced < TRACED_ALL ? ++traced != 0 : size >= TRACED_ALWAYS_SIZE || ++traced % TRACED_ONE_IN == 0;
}

static struct callers_id callers_of_block(struct self *self, size_t size, struct caller caller)
{
    struct callers_id known = {0};
    if (!weave_on) {
        known = access_callers_known(self, caller);
        if (known.v != 0 || !is_worth_tracing(size))
            return known;
    }
    return access_callers(self, caller);
}

/* Returns: `memory`, the block that the allocator has just given out; it is new from `fresh` on. */
__attribute__((noinline)) static void *note_new(void *memory, uintptr_t fresh, size_t size, struct caller caller)
{
    int saved = errno;
    struct self *self = memory != NULL ? access_enter(caller) : NULL;
    if (self != NULL) {
        uintptr_t low = (uintptr_t)memory;
        if (memory_is_watched(self)) {
            /* All that the allocator gave, for all of it will be freed. */
            uintptr_t high = block_end(memory);
            memory_fresh(self, fresh, high > low + size ? high : low + size);
        }
        blocks_add(&(struct block){low, size, callers_of_block(self, size, caller), thread_identity(self->thread)});
        access_leave(self);
    }
    errno = saved;
    return memory;
}

/* What the loader gives back, and libc as it makes a thread, is thread-local storage of threads that have ended, in the
 * order of a lock that libc takes unseen. */
static bool is_storage(const struct self *self, struct caller caller)
{
    uintptr_t pc = caller_pc(caller);
    return self->creates || (pc >= loader.low && pc < loader.high);
}

/* The block is about to go; with RACE_READ_MODIFY it may stay. */
__attribute__((noinline)) static void note_freed(void *memory, uint32_t flags, struct caller caller)
{
    if (!weave_on) {
        blocks_remove((uint64_t)(uintptr_t)memory);
        return;
    }
    int saved = errno;
    struct self *self = memory != NULL ? access_enter(caller) : NULL;
    if (self != NULL) {
        uint64_t low = (uint64_t)(uintptr_t)memory, size = block_end(memory) - low;
        if (!is_storage(self, caller))
            memory_access(self, memory, size < FREED_CHECKED_MAX ? size : FREED_CHECKED_MAX,
                          RACE_FREE | RACE_WRITE | flags, access_callers(self, caller));
        blocks_remove(low);
        access_leave(self);
    }
    errno = saved;
}

/* [low, high) is mapped anew, or about to be unmapped. */
__attribute__((noinline, cold)) static void note_mapped(uintptr_t low, uintptr_t high, struct caller caller)
{
    int saved = errno;
    struct self *self = access_enter(caller);
    if (self != NULL) {
        memory_mapped(self, low, high);
        access_leave(self);
    }
    errno = saved;
}

static void *note_allocated(void *memory, size_t size, struct caller caller)
{
    return note_new(memory, (uintptr_t)memory, size, caller);
}

#define ALLOCATE(memory, size) (hook_likely(!blocks_on) ? (memory) : note_allocated((memory), (size), CALLER()))

/* ---- the allocator ----------------------------------------------------------------------------------------------- */

HOOK_EXPORT void *malloc(size_t size)
{
    return ALLOCATE(real.malloc(size), size);
}

HOOK_EXPORT void *calloc(size_t count, size_t size)
{
    return ALLOCATE(real.calloc(count, size), count * size);
}

HOOK_EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
    return ALLOCATE(real.aligned_alloc(alignment, size), size);
}

HOOK_EXPORT void *memalign(size_t alignment, size_t size)
{
    return ALLOCATE(real.memalign(alignment, size), size);
}

HOOK_EXPORT void *valloc(size_t size)
{
    return ALLOCATE(real.valloc(size), size);
}

HOOK_EXPORT void *pvalloc(size_t size)
{
    return ALLOCATE(real.pvalloc(size), size);
}

HOOK_EXPORT int posix_memalign(void **memory, size_t alignment, size_t size)
{
    int result = real.posix_memalign(memory, alignment, size);
    if (hook_unlikely(blocks_on) && result == 0)
        note_allocated(*memory, size, CALLER());
    return result;
}

HOOK_EXPORT void free(void *memory)
{
    if (hook_unlikely(blocks_on))
        note_freed(memory, 0, CALLER());
    if (may_hold_object(memory))
        range_gone((uint64_t)(uintptr_t)memory, block_end(memory), true, CALLER_PC(), CALLER_SP());
    real.free(memory);
    __asm__ volatile(""); /* no jump: an allocator's gate shall see that the call is ours, and has been noted */
}

/* Whether a block moves is known only afterwards.  An object made meanwhile by another thread in memory just given
 * back would be forgotten with the old ones; forgetting before would forget those of every block that stays. */
static void *resize_with_objects(void *memory, size_t size, struct caller caller)
{
    uint64_t low = (uint64_t)(uintptr_t)memory, high = block_end(memory);
    void *result = real.realloc(memory, size);
    bool is_gone = result != NULL || size == 0;
    if (is_gone && (uint64_t)(uintptr_t)result != low)
        range_gone(low, high, true, caller_pc(caller), caller.sp);
    return result;
}

/* A block that stays where it was keeps what is known of its bytes. */
__attribute__((noinline, cold)) static void *resize_checked(void *memory, size_t size, struct caller caller)
{
    uintptr_t end = memory != NULL ? block_end(memory) : 0;
    note_freed(memory, RACE_READ_MODIFY, caller);
    void *result = may_hold_object(memory) ? resize_with_objects(memory, size, caller) : real.realloc(memory, size);
    return result != memory ? note_new(result, (uintptr_t)result, size, caller) : note_new(result, end, size, caller);
}

static inline void *resize(void *memory, size_t size, struct caller caller)
{
    if (hook_unlikely(blocks_on))
        return resize_checked(memory, size, caller);
    return may_hold_object(memory) ? resize_with_objects(memory, size, caller) : real.realloc(memory, size);
}

HOOK_EXPORT void *realloc(void *memory, size_t size)
{
    return resize(memory, size, CALLER());
}

/* Not by real.reallocarray(): libc's calls realloc(), which is ours again. */
HOOK_EXPORT void *reallocarray(void *memory, size_t count, size_t size)
{
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return resize(memory, bytes, CALLER());
}

/* ---- mappings ---------------------------------------------------------------------------------------------------- */

HOOK_EXPORT void *mmap(void *place, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (fd >= 0)
        IO_USES(fd);
    void *memory = real.mmap(place, size, protection, flags, fd, offset);
    if (hook_unlikely(weave_on) && memory != MAP_FAILED)
        note_mapped((uint64_t)(uintptr_t)memory, (uint64_t)(uintptr_t)memory + size, CALLER());
    return memory;
}

/* One and the same where off_t has 64 bits. */
HOOK_ALIAS(mmap64, mmap);

/* Returns: whether the kernel may unmap it: whole pages of addresses that programs have, with page tables of five levels. */
static bool may_be_unmapped(uint64_t low, uint64_t high)
{
    enum { ADDRESS_BITS = 56 };
    return low < high && high <= UINT64_C(1) << ADDRESS_BITS && low % PAGE_SIZE == 0;
}

/* Before the call: afterwards another thread may already have mapped something else there. */
HOOK_EXPORT int munmap(void *memory, size_t size)
{
    uint64_t low = (uint64_t)(uintptr_t)memory, high = low + size;
    bool may_be = may_be_unmapped(low, high);
    if (hook_unlikely(weave_on) && may_be)
        note_mapped(low, high, CALLER());
    if (lockhound.ready && may_be && object_may_live_in(lockhound.detector, low, high))
        range_gone(low, high, false, CALLER_PC(), CALLER_SP());
    return real.munmap(memory, size);
}

/* mremap() is variadic in C and takes five words in fact; this is its symbol under another C name. */
HOOK_EXPORT void *hook_mremap(void *memory, size_t size, size_t new_size, int flags, void *place) __asm__("mremap");

/* A mapping that moves takes its bytes along, but not what is known of who touched them. */
void *hook_mremap(void *memory, size_t size, size_t new_size, int flags, void *place)
{
    void *result = real.mremap(memory, size, new_size, flags, place);
    if (hook_unlikely(weave_on) && result != MAP_FAILED && result != memory)
        note_mapped((uint64_t)(uintptr_t)result, (uint64_t)(uintptr_t)result + new_size, CALLER());
    return result;
}
