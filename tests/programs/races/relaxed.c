/* relaxed.c: read-modify-writes whose order debug information tells: in the racy form they are relaxed, and order nothing; who counts by
 * them loses nothing.
 */
#include <stdatomic.h>

#include "chosen.h"

static _Atomic int flag;
static int data;
int seen; /* not static: a compiler cannot know that nobody looks */

#define APART __attribute__((noinline)) static void

/* ---- each with its twin: one function for each order, for compilers make the same instruction of both ------------------ */

APART add_relaxed(void)
{
    (void)atomic_fetch_add_explicit(&flag, 1, memory_order_relaxed);
}

APART add_ordered(void)
{
    seen = atomic_fetch_add_explicit(&flag, 1, memory_order_acq_rel);
}

APART subtract_relaxed(void)
{
    seen = atomic_fetch_sub_explicit(&flag, 1, memory_order_relaxed);
}

APART subtract_ordered(void)
{
    seen = atomic_fetch_sub_explicit(&flag, 1, memory_order_acq_rel);
}

APART set_bit_relaxed(void)
{
    (void)atomic_fetch_or_explicit(&flag, 4, memory_order_relaxed);
}

APART set_bit_ordered(void)
{
    seen = atomic_fetch_or_explicit(&flag, 4, memory_order_acq_rel);
}

APART exchange_relaxed(void)
{
    seen = atomic_exchange_explicit(&flag, 7, memory_order_relaxed);
}

APART exchange_ordered(void)
{
    seen = atomic_exchange_explicit(&flag, 7, memory_order_acq_rel);
}

/* A relaxed one in between does not end what an ordered one released. */
APART passed_on_first(void)
{
    data = 1;
    if (racy)
        add_relaxed();
    else
        add_ordered();
    add_relaxed();
}

APART passed_on_second(void)
{
    add_relaxed();
    subtract_ordered();
    data++;
}

#define PAIR(name)                                                                                                     \
    APART name##_first(void)                                                                                           \
    {                                                                                                                  \
        data = 1;                                                                                                      \
        (racy ? name##_relaxed : name##_ordered)();                                                                    \
    }                                                                                                                  \
    APART name##_second(void)                                                                                          \
    {                                                                                                                  \
        (racy ? name##_relaxed : name##_ordered)();                                                                    \
        data++;                                                                                                        \
    }
PAIR(add)
PAIR(subtract)
PAIR(set_bit)
PAIR(exchange)

static const struct {
    const char *name;
    void (*first)(void), (*second)(void);
} cases[] = {
    {"add", add_first, add_second},
    {"subtract", subtract_first, subtract_second},
    {"set_bit", set_bit_first, set_bit_second},
    {"exchange", exchange_first, exchange_second},
    {"passed_on", passed_on_first, passed_on_second},
};

PROGRAM_OF(cases)
