/* expect: sem-destroy-with-waiters */
/* may: use-after-destroy */
/* Shared BoundedSemaphore: destroyed while a thread waits for a permit. */
#include "shared.h"

static void *waiter(void *sem)
{
    stage_set(1);
    sem_wait(sem);
    return NULL;
}

int main(void)
{
    sem_t *sem = shared_memory(sizeof(*sem));
    must(sem_init(sem, 1, 0) == 0);
    pthread_t thread = spawn(waiter, sem);
    stage_wait(1);
    usleep(100000); /* asleep by now */
    sem_destroy(sem);
    sem_post(sem);
    join(thread);
    return 0;
}
