/* expect: deadlock form=all-asleep */
/* across: processes */
/* Shared Barrier: made for three parties, and only two processes come. */
#include "shared.h"

static void party(void *barrier)
{
    alarm(2); /* nobody sits here for ever */
    pthread_barrier_wait(barrier);
}

int main(void)
{
    pthread_barrierattr_t attr;
    pthread_barrier_t *barrier = shared_memory(sizeof(*barrier));
    pthread_barrierattr_init(&attr);
    pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    must(pthread_barrier_init(barrier, &attr, 3) == 0);
    shared_child(party, barrier);
    party(barrier);
    return 0;
}
