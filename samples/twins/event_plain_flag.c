/* expect: needs-weaving */
/* Event: a plain flag, polled; nothing orders what was written before the set. */
#include "twin.h"

static int set, payload;

static void *setter(void *arg)
{
    payload = 42;
    *(volatile int *)&set = 1;
    return arg;
}

static void *waiter(void *arg)
{
    while (!*(volatile int *)&set)
        sched_yield();
    printf("%d\n", payload);
    return arg;
}

int main(void)
{
    run_two(waiter, setter);
    return 0;
}
