/* widened.c: loads of four bytes of which one is used, as LLVM makes them of a char at an aligned place; the others belong to
 * another thread.  In the racy form it writes that one; of what is used whole, any.
 */
#include "chosen.h"

static struct {
    _Alignas(4) unsigned char mine;
    unsigned char theirs, more[2];
} shared;
static struct {
    _Alignas(4) unsigned char low;
    unsigned char rest[3], other;
} number;
unsigned char copied;
unsigned int whole;

#define APART __attribute__((noinline)) static void

/* ---- as a compiler makes them ------------------------------------------------------------------------------------ */

APART product_first(void)
{
    shared.mine *= 3;
}

APART shift_first(void)
{
    copied = (unsigned char)(shared.mine << 2 ^ 5);
}

APART neighbour_second(void)
{
    *(volatile unsigned char *)(racy ? &shared.mine : &shared.theirs) = 1;
}

/* ---- as one could ------------------------------------------------------------------------------------------------ */

APART scaled_first(void)
{
    __asm__ volatile("movl %1, %%eax\n\tleal (%%rax,%%rax,2), %%eax\n\tmovb %%al, %0"
                     : "=m"(copied)
                     : "m"(shared.mine)
                     : "rax");
}

APART masked_first(void)
{
    __asm__ volatile("movl %1, %%edx\n\tandl $15, %%edx\n\tmovl %%edx, %0"
                     : "=m"(whole)
                     : "m"(shared.mine)
                     : "rdx", "cc");
}

APART tested_first(void)
{
    __asm__ volatile("movl %1, %%edx\n\tcmpb $7, %%dl\n\tsete %0\n\txorl %%edx, %%edx"
                     : "=m"(copied)
                     : "m"(shared.mine)
                     : "rdx", "cc");
}

/* What it leaves in a register that it calls with. */
APART called_first(void)
{
    shared.mine *= 3;
    (*(void (*volatile)(void))shift_first)();
}

APART chosen_first(void)
{
    unsigned char times = copied;
    shared.mine = (unsigned char)(shared.mine * 5 + 1);
    if (times != 0)
        copied = 2;
}

APART either_first(void)
{
    __asm__ volatile("movl %2, %%edx\n\ttestl %1, %1\n\tje 1f\n\tmovb %%dl, %0\n\tjmp 2f\n"
                     "1:\n\tleal 1(%%rdx), %%eax\n\tmovb %%al, %0\n\txorl %%eax, %%eax\n2:\n\txorl %%edx, %%edx"
                     : "=m"(copied)
                     : "r"(whole), "m"(shared.mine)
                     : "rax", "rdx", "cc");
}

/* What holds the value is left alone by a loop of many rounds. */
APART looped_first(void)
{
    __asm__ volatile("movl %1, %%edx\n\tmovb %%dl, %0\n\tmovl $90, %%eax\n"
                     "1:\n\tnopl (%%rdx,%%rdx)\n\tdecl %%eax\n\tjne 1b\n\tnotb %%dl\n\tmovb %%dl, %0"
                     : "=m"(copied)
                     : "m"(shared.mine)
                     : "rax", "rdx", "cc");
}

/* ---- all of it is used ------------------------------------------------------------------------------------------- */

APART sum_first(void)
{
    __asm__ volatile("movl %2, %%edx\n\tmovb %%dl, %0\n\taddl %%edx, %1"
                     : "=m"(copied), "+m"(whole)
                     : "m"(number.low)
                     : "rdx", "cc");
}

APART sign_first(void)
{
    __asm__ volatile("movl %1, %%edx\n\taddl %%edx, %%edx\n\tsetc %0\n\tmovb %%dl, %0\n\txorl %%edx, %%edx"
                     : "=m"(copied)
                     : "m"(number.low)
                     : "rdx", "cc");
}

/* On one of two ways, which is not gone. */
APART perhaps_first(void)
{
    __asm__ volatile("movl %2, %%edx\n\tcmpl $77, %1\n\tje 1f\n\tmovb %%dl, %0\n\tjmp 2f\n"
                     "1:\n\tmovl %%edx, %1\n2:\n\txorl %%edx, %%edx"
                     : "=m"(copied), "+m"(whole)
                     : "m"(number.low)
                     : "rdx", "cc");
}

APART part_second(void)
{
    *(volatile unsigned char *)(racy ? &number.rest[2] : &number.other) = 1;
}

static const struct {
    const char *name;
    void (*first)(void), (*second)(void);
} cases[] = {
    {"product", product_first, neighbour_second},
    {"shift", shift_first, neighbour_second},
    {"scaled", scaled_first, neighbour_second},
    {"masked", masked_first, neighbour_second},
    {"tested", tested_first, neighbour_second},
    {"called", called_first, neighbour_second},
    {"chosen", chosen_first, neighbour_second},
    {"either", either_first, neighbour_second},
    {"looped", looped_first, neighbour_second},
    {"perhaps", perhaps_first, part_second},
    {"sum", sum_first, part_second},
    {"sign", sign_first, part_second},
};

PROGRAM_OF(cases)
