#include "detector/bytes_wide.h"

#include "detector/bytes.h"

/* What the program has in the registers that are used here.  Not aligned: a program may call with any stack. */
struct kept {
    uint8_t xmm[4][16];
};

#define KEEP                                                                                                           \
    "movups %%xmm0, (%[kept])\n\tmovups %%xmm1, 16(%[kept])\n\t"                                                       \
    "movups %%xmm2, 32(%[kept])\n\tmovups %%xmm3, 48(%[kept])\n\t"
#define GIVE_BACK                                                                                                      \
    "movups (%[kept]), %%xmm0\n\tmovups 16(%[kept]), %%xmm1\n\t"                                                       \
    "movups 32(%[kept]), %%xmm2\n\tmovups 48(%[kept]), %%xmm3\n\t"
/* The eight bytes in a general register, twice. */
#define TWICE(word, xmm) "movq %[" word "], %%" xmm "\n\tpunpcklqdq %%" xmm ", %%" xmm "\n\t"
/* For each block from `at` to `end`, of which there is one at least. */
#define BLOCKS(body) ".p2align 4\n1:\n\t" body "addq $64, %[at]\n\tcmpq %[end], %[at]\n\tjne 1b\n"

/* Collects in XMM2 in which bits bytes differ from those in XMM0. */
#define DIFFERS(offset) "movdqu " offset "(%[at]), %%xmm3\n\tpxor %%xmm0, %%xmm3\n\tpor %%xmm3, %%xmm2\n\t"
/* Leaves the loop when any does in the bits of XMM1. */
#define END_UNLESS_SAME                                                                                                \
    "pand %%xmm1, %%xmm2\n\tpxor %%xmm3, %%xmm3\n\tpcmpeqb %%xmm3, %%xmm2\n\t"                                         \
    "pmovmskb %%xmm2, %[equal]\n\tcmpl $0xffff, %[equal]\n\tjne 2f\n\t"
#define SAME "pxor %%xmm2, %%xmm2\n\t" DIFFERS("0") DIFFERS("16") DIFFERS("32") DIFFERS("48") END_UNLESS_SAME

/* Where a byte is the tag, in XMM0, its lowest bit is set again. */
#define LOWER(offset)                                                                                                  \
    "movdqu " offset "(%[at]), %%xmm3\n\tpcmpeqb %%xmm0, %%xmm3\n\tpand %%xmm1, %%xmm3\n\tpor %%xmm2, %%xmm3\n\t"      \
    "movdqu %%xmm3, " offset "(%[at])\n\t"

#define HIGHER(offset, to) "movdqu " offset "(%[at]), %%xmm3\n\tpmaxub %%xmm3, %%" to "\n\t"
#define HIGHEST            HIGHER("0", "xmm0") HIGHER("16", "xmm1") HIGHER("32", "xmm0") HIGHER("48", "xmm1")
#define NOTHING            "pxor %%xmm0, %%xmm0\n\tpxor %%xmm1, %%xmm1\n\t"
/* Of 32 bytes in XMM0 and XMM1 the highest of each four, in eight. */
#define FOLD                                                                                                           \
    "pmaxub %%xmm1, %%xmm0\n\tmovdqa %%xmm0, %%xmm1\n\tpsrldq $8, %%xmm1\n\t"                                          \
    "pmaxub %%xmm1, %%xmm0\n\tmovq %%xmm0, %[folded]\n\t"

size_t bytes_wide_same(const uint8_t *at, size_t count, uint64_t pattern, uint64_t mask)
{
    const uint8_t *first = at, *end = at + count / BYTES_WIDE_BLOCK * BYTES_WIDE_BLOCK;
    struct kept kept;
    uint32_t equal;
    if (at == end)
        return 0;
    __asm__ volatile(KEEP TWICE("pattern", "xmm0") TWICE("mask", "xmm1") BLOCKS(SAME) "2:\n\t" GIVE_BACK
                     : [at] "+r"(at), [equal] "=&r"(equal)
                     : [kept] "r"(&kept), [end] "r"(end), [pattern] "r"(pattern), [mask] "r"(mask)
                     : "memory", "cc");
    return (size_t)(at - first);
}

void bytes_wide_lower(uint8_t *at, size_t count, uint8_t tag)
{
    const uint8_t *end = at + count;
    struct kept kept;
    if (at == end)
        return;
    __asm__ volatile(KEEP TWICE("tag", "xmm0") TWICE("one", "xmm1") TWICE("low", "xmm2")
                         BLOCKS(LOWER("0") LOWER("16") LOWER("32") LOWER("48")) GIVE_BACK
                     : [at] "+r"(at)
                     : [kept] "r"(&kept), [end] "r"(end), [tag] "r"(BYTES_EACH(tag)), [one] "r"(BYTES_EACH(1)),
                       [low] "r"(BYTES_EACH(tag & 0xfe))
                     : "memory", "cc");
}

uint8_t bytes_wide_highest(const uint8_t *at, size_t count)
{
    const uint8_t *end = at + count;
    struct kept kept;
    uint64_t folded, highest = 0;
    if (at == end)
        return 0;
    __asm__ volatile(KEEP NOTHING BLOCKS(HIGHEST) FOLD GIVE_BACK
                     : [at] "+r"(at), [folded] "=&r"(folded)
                     : [kept] "r"(&kept), [end] "r"(end)
                     : "memory", "cc");
    for (; folded != 0; folded >>= 8)
        highest = (folded & 0xff) > highest ? folded & 0xff : highest;
    return (uint8_t)highest;
}
