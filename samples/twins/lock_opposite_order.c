/* expect: lock-order-inversion */
/* Lock: two semaphores used as locks, taken in opposite orders; this run does not hang. */
#include <semaphore.h>

#include "twin.h"

static sem_t tea, milk;

static void *one_way(void *arg)
{
    sem_wait(&tea);
    sem_wait(&milk);
    sem_post(&milk);
    sem_post(&tea);
    stage_set(1);
    return arg;
}

static void *other_way(void *arg)
{
    stage_wait(1);
    sem_wait(&milk);
    sem_wait(&tea);
    sem_post(&tea);
    sem_post(&milk);
    return arg;
}

int main(void)
{
    must(sem_init(&tea, 0, 1) == 0 && sem_init(&milk, 0, 1) == 0);
    run_two(one_way, other_way);
    return 0;
}
