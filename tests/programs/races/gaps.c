/* gaps.c: loops over one member of structures, or each second element, of which a compiler makes loads of vectors: what lies between
 * belongs to another thread.  In the racy form that one writes what is used.
 */
#include <stdint.h>

#include "chosen.h"

enum { COUNT = 203, RACING = 77 };

#define APART __attribute__((noinline)) static void

static struct {
    int used, other;
} ints[COUNT];
static struct {
    double other, used;
} doubles[COUNT];
static struct {
    float x, y, z;
} points[COUNT];
static struct {
    int a, b, c, d;
} fours[COUNT];
static struct {
    uint8_t red, green, blue, alpha;
} pixels[COUNT];
static uint16_t words[2 * COUNT];
static uint64_t longs[2 * COUNT];

static volatile uint64_t total;
int copies[COUNT], rounds = COUNT; /* which another file might read and write */

/* ---- one side ------------------------------------------------------------------------------------------------------ */

APART ints_first(void)
{
    int n = rounds;
    int sum = 0;
    for (int i = 0; i < n; i++)
        sum += ints[i].used;
    total = (uint64_t)sum;
}

APART doubles_first(void)
{
    int n = rounds;
    double most = 0;
    for (int i = 0; i < n; i++)
        most = doubles[i].used > most ? doubles[i].used : most;
    total = (uint64_t)most;
}

APART points_first(void)
{
    int n = rounds;
    for (int i = 0; i < n; i++)
        copies[i] = (int)(points[i].x * 2 + points[i].z);
}

APART fours_first(void)
{
    int n = rounds;
    for (int i = 0; i < n; i++)
        copies[i] = fours[i].b - fours[i].c;
}

APART pixels_first(void)
{
    int n = rounds;
    unsigned sum = 0;
    for (int i = 0; i < n; i++)
        sum += pixels[i].green;
    total = sum;
}

APART words_first(void)
{
    int n = rounds;
    unsigned sum = 0;
    for (int i = 0; i < n; i++)
        sum += words[2 * i + 1];
    total = sum;
}

APART longs_first(void)
{
    int n = rounds;
    uint64_t sum = 0;
    for (int i = 0; i < n; i++)
        sum ^= longs[2 * i];
    total = sum;
}

/* ---- the other, of a single one, in a way that no vector is made of ----------------------------------------------- */

#define WRITE(place) (*(volatile __typeof__(place) *)&(place) = 1)

APART ints_second(void)
{
    for (int i = 0; i < COUNT; i++)
        WRITE(ints[i].other);
    if (racy)
        WRITE(ints[RACING].used);
}

APART doubles_second(void)
{
    for (int i = 0; i < COUNT; i++)
        WRITE(doubles[i].other);
    if (racy)
        WRITE(doubles[RACING].used);
}

APART points_second(void)
{
    for (int i = 0; i < COUNT; i++)
        WRITE(points[i].y);
    if (racy)
        WRITE(points[RACING].z);
}

APART fours_second(void)
{
    for (int i = 0; i < COUNT; i++) {
        WRITE(fours[i].a);
        WRITE(fours[i].d);
    }
    if (racy)
        WRITE(fours[RACING].c);
}

APART pixels_second(void)
{
    for (int i = 0; i < COUNT; i++) {
        WRITE(pixels[i].red);
        WRITE(pixels[i].blue);
        WRITE(pixels[i].alpha);
    }
    if (racy)
        WRITE(pixels[RACING].green);
}

APART words_second(void)
{
    for (int i = 0; i < COUNT; i++)
        WRITE(words[2 * i]);
    if (racy)
        WRITE(words[2 * RACING + 1]);
}

APART longs_second(void)
{
    for (int i = 0; i < COUNT; i++)
        WRITE(longs[2 * i + 1]);
    if (racy)
        WRITE(longs[2 * RACING]);
}

static _Alignas(16) unsigned char octets[32];
static _Alignas(16) const
    unsigned char low_halves[16] = {255, 0, 255, 0, 255, 0, 255, 0, 255, 0, 255, 0, 255, 0, 255, 0};
_Alignas(16) unsigned char taken[16];
unsigned int chosen_way;

/* A constant that is loaded on each of two ways, as compilers do behind calls. */
APART octets_first(void)
{
    __asm__ volatile("testl %1, %1\n\tje 1f\n\tmovdqa %2, %%xmm6\n\tjmp 2f\n\tnopl (%%rax)\n"
                     "1:\n\tmovdqa %2, %%xmm6\n2:\n\tmovdqa %3, %%xmm0\n\tpand %%xmm6, %%xmm0\n\tmovdqa %%xmm0, %0"
                     : "=m"(taken)
                     : "r"(chosen_way), "m"(low_halves), "m"(octets)
                     : "xmm0", "xmm6", "cc");
}

APART octets_second(void)
{
    octets[racy ? 6 : 7] = 1;
}

static const struct {
    const char *name;
    void (*first)(void), (*second)(void);
} cases[] = {
    {"ints", ints_first, ints_second},       {"doubles", doubles_first, doubles_second},
    {"points", points_first, points_second}, {"fours", fours_first, fours_second},
    {"pixels", pixels_first, pixels_second}, {"words", words_first, words_second},
    {"longs", longs_first, longs_second},    {"octets", octets_first, octets_second},
};

PROGRAM_OF(cases)
