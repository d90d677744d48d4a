/* expect: needs-weaving */
/* Shared BoundedSemaphore: the count that bounds the releases is tested and raised by two threads without the mutex. */
#include "shared.h"

struct bounded {
    sem_t permits;
    int taken;
};
static struct bounded *bounded;

static __attribute__((noinline)) void take_one(void)
{
    if (bounded->taken < 100000)
        bounded->taken++;
}

static void *body(void *arg)
{
    for (int i = 0; i < 1000; i++)
        take_one();
    return arg;
}

int main(void)
{
    bounded = shared_memory(sizeof(*bounded));
    must(sem_init(&bounded->permits, 1, 2) == 0);
    run_two(body, body);
    return 0;
}
