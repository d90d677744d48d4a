/* kept.c: a loop that waits for a plain variable whose address a register holds all through the function, in a module with
 * atomics of the same size.  The variable races; so does, in the racy form, what is written behind it.
 */
#include <sched.h>
#include <stdatomic.h>

#include "accesses.h"
#include "chosen.h"

static int awaited;
static atomic_int begun;

static void wait_first(void)
{
    atomic_fetch_add(&begun, 1);
    if (!racy)
        first();
    *(volatile int *)&awaited = 1;
    if (racy)
        first();
}

static void wait_second(void)
{
    volatile int *at;
    __asm__("leaq %1, %0" : "=b"(at) : "m"(awaited));
    while (*at == 0)
        sched_yield();
    second();
}

static const struct {
    const char *name;
    void (*first)(void), (*second)(void);
} cases[] = {{"wait", wait_first, wait_second}};

static void *run_first(void *arg)
{
    cases[chosen].first();
    return arg;
}

static void *run_second(void *arg)
{
    cases[chosen].second();
    return arg;
}

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    return run_both(run_first, run_second);
}
