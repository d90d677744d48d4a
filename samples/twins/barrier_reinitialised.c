/* expect: barrier-misuse */
/* Barrier: made anew while a party waits in it. */
#include "twin.h"

static pthread_barrier_t barrier;

static void *body(void *arg)
{
    stage_set(1);
    pthread_barrier_wait(&barrier);
    return arg;
}

int main(void)
{
    must(pthread_barrier_init(&barrier, NULL, 2) == 0);
    pthread_t t = spawn(body, NULL);
    stage_wait(1);
    usleep(20000);
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_detach(t);
    return 0;
}
