/* across.c: one access to plain memory and to an atomic variable in its midst.  What lies behind that one races with others, and
 * it is known who did it.
 */
#include <stdatomic.h>

#include "chosen.h"

static struct {
    char before[8];
    atomic_long count;
    char behind[64];
} shared __attribute__((aligned(64)));
static char zeros[80];
static size_t whole = sizeof shared;

typedef int vector __attribute__((vector_size(16), aligned(1), may_alias));

static void set_first(void)
{
    memset(&shared, 0, *(volatile size_t *)&whole);
}

static void copy_first(void)
{
    memcpy(&shared, zeros, *(volatile size_t *)&whole);
}

static void vector_first(void)
{
    *(vector *)(shared.before + 4) = (vector){0};
    *(vector *)(shared.before + 12) = (vector){0};
}

static void repeat_first(void)
{
    void *to = &shared;
    size_t count = 24;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(0) : "memory");
}

static const struct {
    const char *name;
    void (*first)(void);
} cases[] = {{"set", set_first}, {"copy", copy_first}, {"vector", vector_first}, {"repeat", repeat_first}};

__attribute__((noinline)) static void first(void)
{
    atomic_fetch_add(&shared.count, 1);
    cases[chosen].first();
    __asm__ volatile("");
}

__attribute__((noinline)) static void second(void)
{
    if (!racy) {
        atomic_fetch_add(&shared.count, 1);
        return;
    }
    *(volatile char *)(shared.behind + 3) = 1;
}

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    return run_in_turn(first, second);
}
