/* expect: barrier-misuse */
/* Shared Barrier: made anew while a party waits in it. */
#include "shared.h"

static pthread_barrierattr_t attr;

static void *party(void *barrier)
{
    stage_set(1);
    pthread_barrier_wait(barrier);
    return NULL;
}

int main(void)
{
    pthread_barrier_t *barrier = shared_memory(sizeof(*barrier));
    pthread_barrierattr_init(&attr);
    pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    must(pthread_barrier_init(barrier, &attr, 2) == 0);
    pthread_t waiting = spawn(party, barrier);
    stage_wait(1);
    usleep(100000); /* asleep by now */
    pthread_barrier_init(barrier, &attr, 2);
    must(pthread_detach(waiting) == 0);
    return 0;
}
