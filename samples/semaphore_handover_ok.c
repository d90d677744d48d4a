/* expect: none */
/* The stable gives out bridles and saddles, and two riders take one of each in opposite orders.  The semaphores are no
 * locks, though: whoever waits is not who posts, and two of each are enough for two.  A checker that takes every
 * semaphore for a lock would complain here.
 */
#include "stage.h"
#include <pthread.h>
#include <semaphore.h>

static sem_t bridles, saddles;

static void *ride(void *unused)
{
    sem_wait(&bridles);
    sem_wait(&saddles);
    puts("one rider is off");
    stage_advance();
    return unused;
}

static void *ride_side_saddle(void *unused)
{
    stage_await(1);
    sem_wait(&saddles);
    sem_wait(&bridles);
    puts("another rider is off");
    return unused;
}

int main(void)
{
    pthread_t riders[2];
    sem_init(&bridles, 0, 0);
    sem_init(&saddles, 0, 0);
    pthread_create(&riders[0], NULL, ride, NULL);
    pthread_create(&riders[1], NULL, ride_side_saddle, NULL);
    sem_post(&bridles);
    sem_post(&bridles);
    sem_post(&saddles);
    sem_post(&saddles);
    pthread_join(riders[0], NULL);
    pthread_join(riders[1], NULL);
    sem_destroy(&bridles);
    sem_destroy(&saddles);
    return 0;
}
