#include "preload/weave/vectors.h"

#include <cpuid.h>

enum { LEAF_FEATURES = 1, LEAF_STATE = 0xd, HAS_OSXSAVE = 1 << 27, HAS_XSAVEC = 1 << 1 };

/* x87, SSE, AVX, opmask, upper halves of ZMM0-15, ZMM16-31: 2688 bytes at most. */
#define KEPT_COMPONENTS UINT64_C(0xe7)

uint64_t vectors_mask;
bool vectors_compact;

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
    vectors_mask = enabled_components() & KEPT_COMPONENTS;
    vectors_compact = __get_cpuid_count(LEAF_STATE, 1, &a, &b, &c, &d) && (a & HAS_XSAVEC) != 0;
}
