/* expect: deadlock form=all-asleep */
/* Semaphore: the way out on an error forgets the release, and the next acquire waits for ever. */
#include <semaphore.h>

#include "twin.h"

static sem_t permits;
static int work(int fails)
{
    sem_wait(&permits);
    if (fails)
        return -1;
    sem_post(&permits);
    return 0;
}

int main(void)
{
    must(sem_init(&permits, 0, 1) == 0);
    work(1);
    return work(0);
}
