/* expect: deadlock form=all-asleep */
/* Barrier: made for three parties, and only two come. */
#include "twin.h"

static pthread_barrier_t barrier;

static void *body(void *arg)
{
    pthread_barrier_wait(&barrier);
    return arg;
}

int main(void)
{
    must(pthread_barrier_init(&barrier, NULL, 3) == 0);
    run_two(body, body);
    return 0;
}
