/* left.c: local variables that lie where those of an earlier call lay, which were atomic ones.
 *
 *   PROGRAM CASE        under a lock: nothing may be reported
 *   PROGRAM CASE racy   without: one race
 */
#include "chosen.h"

#define KEPT __attribute__((noinline))

enum { COUNT = 256 };

static int *shared;

/* The stack below its caller is full of atomic ones for a while. */
KEPT static void count_atomically(void)
{
    int counters[2 * COUNT] = {0};
    for (int i = 0; i < 2 * COUNT; i++)
        __atomic_fetch_add(&counters[i], i, __ATOMIC_ACQ_REL);
    __asm__ volatile("" : : "r"(counters) : "memory");
}

KEPT static void store_first(void)
{
    enter_section();
    shared[COUNT / 2] = 1;
    leave_section();
}

KEPT static void store_second(void)
{
    enter_section();
    shared[COUNT / 2] = 2;
    leave_section();
}

/* Joins before it returns. */
KEPT static void lend_plain(void)
{
    int values[COUNT];
    shared = values;
    for (int i = 0; i < COUNT; i++) {
        values[i] = i;
        __asm__ volatile("" : : : "memory");
    }
    run_in_turn(store_first, store_second);
}

static int calls; /* shared with a thread that has ended */

static const struct {
    const char *name;
} cases[] = {{"lent"}};

static void *call_once(void *arg)
{
    calls++;
    return arg;
}

int main(int argc, char **argv)
{
    pthread_t other;
    CHOOSE_CASE(argc, argv, cases);
    pthread_create(&other, NULL, call_once, NULL); /* nothing is recorded before the first thread */
    pthread_join(other, NULL);
    count_atomically();
    calls++; /* between the two calls, with neither frame there */
    lend_plain();
    return 0;
}
