/* accesses.h: the one place in memory that two threads write to, and the two functions that do, as reports name them. */
#ifndef RACES_ACCESSES_H
#define RACES_ACCESSES_H

#include <stdbool.h>

#define KEPT __attribute__((noinline))

static bool racy;
static long place;
static long *cell = &place; /* through a pointer: a compiler can't know where it leads */

KEPT void first(void)
{
    *cell = 1;
    __asm__ volatile("" ::: "memory");
}

KEPT void second(void)
{
    *cell = 2;
    __asm__ volatile("" ::: "memory");
}

#endif
