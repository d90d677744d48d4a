/* updates.c: one thread changes a place by a plain instruction, another by an atomic one.
 *
 *   PROGRAM CASE        they are in order, or are right without: nothing may be reported
 *   PROGRAM CASE racy   either change may be lost: one race, between first() and second()
 */
#include <stdatomic.h>
#include <stdint.h>

#include "chosen.h"

#define KEPT __attribute__((noinline))

static uint32_t place;
static uint32_t *word = &place; /* through a pointer: a compiler can't know where it leads */

/* In one instruction, as compilers make it of x++ when they optimise. */
static void add_plainly(uint32_t *to, uint32_t value)
{
    __asm__ volatile("addl %1, %0" : "+m"(*to) : "r"(value) : "cc");
}
static void add_to_half(uint16_t *to)
{
    __asm__ volatile("incw %0" : "+m"(*to) : : "cc");
}

/* ---- two counts -------------------------------------------------------------------------------------------------------- */

static void plainly(void)
{
    enter_section();
    add_plainly(word, 1);
    leave_section();
}
static void atomically(void)
{
    enter_section();
    __atomic_add_fetch(word, 1, __ATOMIC_RELAXED);
    leave_section();
}
static void atomically_asked(void)
{
    enter_section();
    if (__atomic_fetch_sub(word, 1, __ATOMIC_ACQ_REL) == 77)
        abort();
    leave_section();
}

/* The place is known as an atomic one before. */
static void plainly_known(void)
{
    __atomic_load_n(word, __ATOMIC_ACQUIRE);
    plainly();
}

/* ---- what is right ----------------------------------------------------------------------------------------------------- */

/* Who holds a lock that is a bit of the word, or its whole, changes the rest of it. */
static void hold_bit(void)
{
    while (__atomic_fetch_or(word, 1, __ATOMIC_ACQUIRE) & 1)
        ;
    unseen_pass();
    for (int i = 0; i < 1000; i++)
        add_plainly(word, 2);
    __atomic_fetch_and(word, ~1U, __ATOMIC_RELEASE);
}
static void try_bit(void)
{
    for (int i = 0; i < 1000; i++)
        if (!(__atomic_fetch_or(word, 1, __ATOMIC_ACQUIRE) & 1))
            __atomic_fetch_and(word, ~1U, __ATOMIC_RELEASE);
}

static void hold_word(void)
{
    uint32_t none = 0;
    while (!__atomic_compare_exchange_n(word, &none, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        none = 0;
    unseen_pass();
    for (int i = 0; i < 1000; i++)
        add_plainly(word, 1);
    for (int i = 0; i < 1000; i++)
        add_plainly(word, UINT32_MAX);
    __atomic_store_n(word, 0, __ATOMIC_RELEASE);
}
static void try_word(void)
{
    for (int i = 0; i < 1000; i++) {
        uint32_t none = 0;
        if (__atomic_compare_exchange_n(word, &none, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            __atomic_store_n(word, 0, __ATOMIC_RELEASE);
    }
}

/* A ticket lock: the numbers given out lie beside the one that is served. */
static void use_tickets(void)
{
    unseen_pass();
    for (int i = 0; i < 500; i++) {
        uint16_t mine = (uint16_t)(__atomic_fetch_add(word, 0x10000, __ATOMIC_ACQUIRE) >> 16);
        while (__atomic_load_n((uint16_t *)word, __ATOMIC_ACQUIRE) != mine)
            __asm__ volatile("pause");
        add_to_half((uint16_t *)word);
    }
}

/* One counts, another looks, as old code looked atomically. */
static void count_alone(void)
{
    unseen_pass();
    for (int i = 0; i < 1000; i++)
        add_plainly(word, 1);
}
static void look(void)
{
    for (int i = 0; i < 1000; i++) {
        uint32_t value = 0;
        __asm__ volatile("lock xaddl %0, %1" : "+r"(value), "+m"(*word) : : "cc", "memory");
        if (value == UINT32_MAX)
            abort();
    }
}

/* The racy forms of these are the two counts. */
static const struct {
    const char *name;
    void (*first)(void), (*second)(void);
    void (*right_first)(void), (*right_second)(void);
} cases[] = {
    {"plain_first", plainly, atomically, plainly, atomically},
    {"atomic_first", atomically, plainly, atomically, plainly},
    {"asked", atomically_asked, plainly, atomically_asked, plainly},
    {"known", plainly_known, atomically_asked, plainly_known, atomically},
    {"bits", plainly, atomically, hold_bit, try_bit},
    {"words", plainly, atomically, hold_word, try_word},
    {"tickets", plainly, atomically, use_tickets, use_tickets},
    {"looks", plainly, atomically, count_alone, look},
};

KEPT static void first(void)
{
    (racy ? cases[chosen].first : cases[chosen].right_first)();
    __asm__ volatile("" ::: "memory");
}
KEPT static void second(void)
{
    (racy ? cases[chosen].second : cases[chosen].right_second)();
    __asm__ volatile("" ::: "memory");
}

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    return run_in_turn(first, second);
}
