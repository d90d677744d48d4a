/* expect: sem-destroy-with-waiters */
/* may: use-after-destroy */
/* BoundedSemaphore: destroyed when its maker has finished, while another thread still waits on it. */
#include <semaphore.h>

#include "twin.h"

static sem_t permits;

static void *wait_for_permit(void *arg)
{
    stage_set(1);
    sem_wait(&permits);
    return arg;
}

int main(void)
{
    must(sem_init(&permits, 0, 0) == 0);
    pthread_t t = spawn(wait_for_permit, NULL);
    stage_wait(1);
    usleep(20000);
    sem_destroy(&permits);
    sem_post(&permits);
    join(t);
    return 0;
}
