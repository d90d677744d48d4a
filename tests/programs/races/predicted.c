/* predicted.c: races that the order of this run hides; a trace with its accesses allows them all the same.
 *
 *   predicted CASE        the correct twin: nothing is predicted
 *   predicted CASE racy   one race, between first() and second(): this run's order goes through a lock that neither holds
 *
 * The first thread always acts first (unseen.h).
 */
#include <stdatomic.h>

#include "chosen.h"

#define KEPT __attribute__((noinline))

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
long number;
static _Atomic int is_given;

KEPT static void take(void)
{
    pthread_mutex_lock(&mutex);
}

KEPT static void give(void)
{
    pthread_mutex_unlock(&mutex);
}

/* ---- one stores outside of the lock, before it, the other behind it ---- */

KEPT static void first(void)
{
    number = 1;
    __asm__ volatile("" ::: "memory");
}

KEPT static void second(void)
{
    number = 2;
    __asm__ volatile("" ::: "memory");
}

static void store_first(void)
{
    if (racy) {
        first();
        take();
        give();
    } else {
        take();
        first();
        give();
    }
}

static void store_second(void)
{
    take();
    if (!racy)
        second();
    give();
    if (racy)
        second();
}

/* ---- an atomic flag says that it is there; in the racy form nobody looks at it ---- */

static void flag_first(void)
{
    first();
    atomic_store(&is_given, 1);
    take();
    give();
}

static void flag_second(void)
{
    take();
    give();
    if (racy || atomic_load(&is_given))
        second();
}

static const struct {
    const char *name;
    void (*first)(void), (*second)(void);
} cases[] = {{"beside_the_lock", store_first, store_second}, {"past_the_flag", flag_first, flag_second}};

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    return run_in_turn(cases[chosen].first, cases[chosen].second);
}
