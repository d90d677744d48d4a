#include "preload/weave/far_memory.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>

#include "preload/page.h"
#include "preload/raw.h"

/* Where nothing asks for memory: programs linked to be moved begin at 0x55.., libraries at 0x7f..; allocators, Go's, Java's and the
 * sanitizers' run-times ask for fixed places up to 16 TiB.  What is taken there is no harm: the address is a hint. */
#define FAR_PLACE UINT64_C(0x3d0000000000)

uintptr_t far_memory_hint(size_t size)
{
    static _Atomic uint64_t next = FAR_PLACE;
    /* relaxed: whoever is first, all are as good */
    return atomic_fetch_add_explicit(&next, page_round_up(size), memory_order_relaxed);
}

void *far_memory_reserve(size_t size, int protection)
{
    long at = raw_syscall(SYS_mmap, (long)far_memory_hint(size), (long)size, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw_is_no_address(at))
        return NULL;
    /* After mlockall(MCL_FUTURE) the kernel would fill all of it, as soon as it may be touched. */
    raw_syscall(SYS_munlock, at, (long)size, 0, 0, 0, 0);
    if (raw_syscall(SYS_mprotect, at, (long)size, protection, 0, 0, 0) == 0)
        return (void *)at;
    far_memory_release((void *)at, size);
    return NULL;
}

void far_memory_release(void *memory, size_t size)
{
    raw_syscall(SYS_munmap, (long)memory, (long)size, 0, 0, 0, 0);
}
