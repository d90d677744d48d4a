/* loops.h: what the loops of random programs run over, and the tables that choose among their elements. */
#ifndef RANDOM_LOOPS_H
#define RANDOM_LOOPS_H

#include <stddef.h>
#include <stdio.h>

#include "turns.h"

enum { LOOP_ARRAYS = 8, LOOP_CHOICES = 8192, LOOP_PLACES = 32 };

/* Without padding: a copy touches all of them. */
struct loop_pixel {
    uint8_t r, g, b;
};
struct loop_trio {
    uint16_t a, b, c;
};
struct loop_pair {
    uint32_t x, y;
};
struct loop_complex {
    double re, im;
};
struct loop_record {
    uint64_t a;
    double b;
    uint32_t c, d;
};

/* Where the arrays are, and what is chosen of them: of each five the first two; written before there are threads. */
static void *loop_where[LOOP_ARRAYS];
static uint8_t loop_chosen[LOOP_CHOICES];
static uint8_t loop_place[LOOP_PLACES];

static inline void loop_open(void)
{
    for (int i = 0; i < LOOP_CHOICES; i++)
        loop_chosen[i] = i % 5 < 2;
    for (int i = 0; i < LOOP_PLACES; i++)
        loop_place[i] = (uint8_t)((i * 13 + 5) % LOOP_PLACES);
    __asm__ volatile("" ::"r"(loop_where), "r"(loop_chosen), "r"(loop_place) : "memory");
}

/* A call in the midst of a loop. */
static __attribute__((noinline)) uint64_t loop_value(uint64_t i)
{
    __asm__ volatile("" : "+r"(i));
    return i & 63;
}

static inline void loop_show(const char *name, const void *at)
{
    printf("%s %p\n", name, at);
}

#endif
