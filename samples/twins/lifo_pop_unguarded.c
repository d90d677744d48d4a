/* expect: needs-weaving */
/* LIFO queue: two threads pop by reading and lowering the top without the lock. */
#include "twin.h"

enum { ITEMS = 2000 };
static int items[ITEMS], top = ITEMS;

static void *pop_half(void *arg)
{
    long sum = 0;
    for (int i = 0; i < ITEMS / 2; i++)
        if (top > 0)
            sum += items[--top];
    must(sum == 0);
    return arg;
}

int main(void)
{
    run_two(pop_half, pop_half);
    return 0;
}
