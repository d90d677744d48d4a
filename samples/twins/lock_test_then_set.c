/* expect: needs-weaving */
/* Lock: looks whether it is free and takes it in two steps, so two threads can be inside. */
#include "twin.h"

static int held;
static long guarded;

static void acquire(void)
{
    while (*(volatile int *)&held)
        sched_yield();
    *(volatile int *)&held = 1;
}

static void release(void)
{
    *(volatile int *)&held = 0;
}

static void *body(void *arg)
{
    for (int i = 0; i < 10000; i++) {
        acquire();
        guarded++;
        release();
    }
    return arg;
}

int main(void)
{
    run_two(body, body);
    printf("%ld\n", guarded);
    return 0;
}
