/* expect: needs-weaving */
/* GIL: the request to drop it is a plain variable. */
#include "twin.h"

static int drop_request;
static unsigned long steps;

static void *evaluate(void *arg)
{
    while (!*(volatile int *)&drop_request)
        steps++;
    return arg;
}

static void *ask(void *arg)
{
    usleep(1000);
    *(volatile int *)&drop_request = 1;
    return arg;
}

int main(void)
{
    run_two(evaluate, ask);
    return 0;
}
