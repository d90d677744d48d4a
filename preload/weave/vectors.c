#include "preload/weave/vectors.h"

#include <cpuid.h>
#include <errno.h>

enum { LEAF_FEATURES = 1, LEAF_STATE = 0xd, HAS_OSXSAVE = 1 << 27, HAS_XSAVEC = 1 << 1 };

/* x87, SSE, AVX, opmask, upper halves of ZMM0-15, ZMM16-31: 2688 bytes at most. */
#define KEPT_COMPONENTS UINT64_C(0xe7)

/* Components of the state that are kept; 0: the CPU has FXSAVE only. */
static uint64_t mask;
static bool is_compact; /* XSAVEC: shorter when little is in use */

static uint64_t enabled_components(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

void vectors_init(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(LEAF_FEATURES, &a, &b, &c, &d) || (c & HAS_OSXSAVE) == 0)
        return;
    mask = enabled_components() & KEPT_COMPONENTS;
    is_compact = __get_cpuid_count(LEAF_STATE, 1, &a, &b, &c, &d) && (a & HAS_XSAVEC) != 0;
}

static void save(void *area)
{
    uint32_t low = (uint32_t)mask, high = (uint32_t)(mask >> 32);
    if (is_compact)
        __asm__ volatile("xsavec64 (%0)" : : "r"(area), "a"(low), "d"(high) : "memory");
    else if (mask != 0)
        __asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(low), "d"(high) : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

static void restore(void *area)
{
    uint32_t low = (uint32_t)mask, high = (uint32_t)(mask >> 32);
    if (mask != 0)
        __asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(low), "d"(high) : "memory");
    else
        __asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

void vectors_apart(struct vectors *vectors, void (*work)(void *arg), void *arg)
{
    if (vectors->are_kept) {
        work(arg);
        return;
    }
    int saved = errno;
    save(vectors->area);
    vectors->are_kept = true;
    work(arg);
    vectors->are_kept = false;
    restore(vectors->area);
    errno = saved;
}
