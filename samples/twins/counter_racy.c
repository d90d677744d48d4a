/* expect: needs-weaving */
/* Counter: incremented by two threads without a lock. */
#include "twin.h"

static long count;

static void *body(void *arg)
{
    for (int i = 0; i < 10000; i++)
        count++;
    return arg;
}

int main(void)
{
    run_two(body, body);
    printf("%ld\n", count);
    return 0;
}
