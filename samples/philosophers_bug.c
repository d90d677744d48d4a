/* expect: lock-order-inversion at=dine@right_fork */
/* Dijkstra's dining philosophers: each takes the fork on the left, then the one on the right.  If all reach for the
 * left fork at once, all starve.  Here they dine one after the other, so the run ends well; the five orders still
 * close a circle of five forks.  Mended in philosophers_ok.c: one philosopher is left-handed.
 */
#include "stage.h"
#include <pthread.h>

#define SEATS 5

static pthread_mutex_t forks[SEATS];
static int meals[SEATS];

static void *dine(void *argument)
{
    int seat = (int)((int *)argument - meals);
    pthread_mutex_t *first = &forks[seat], *second = &forks[(seat + 1) % SEATS];
    stage_await(seat); /* the neighbour has finished */
    pthread_mutex_lock(first);
    pthread_mutex_lock(second); /* @right_fork */
    meals[seat]++;
    pthread_mutex_unlock(second);
    pthread_mutex_unlock(first);
    stage_advance();
    return NULL;
}

int main(void)
{
    pthread_t philosophers[SEATS];
    for (int i = 0; i < SEATS; i++)
        pthread_mutex_init(&forks[i], NULL);
    for (int i = 0; i < SEATS; i++)
        pthread_create(&philosophers[i], NULL, dine, &meals[i]);
    for (int i = 0; i < SEATS; i++)
        pthread_join(philosophers[i], NULL);
    for (int i = 0; i < SEATS; i++)
        printf("philosopher %d had %d meal\n", i, meals[i]);
    return 0;
}
