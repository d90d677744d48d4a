/* expect: deadlock form=all-asleep at=ride_side_saddle@wants_saddle */
/* Semaphores that count things handed out.  The stable gives out two bridles but only one saddle, so the second rider
 * waits for ever: no lock is held anywhere, and still nobody can go on.  Mended in semaphore_handover_ok.c.
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
    sem_wait(&saddles); /* @wants_saddle */
    sem_wait(&bridles);
    puts("another rider is off");
    return unused;
}

int main(void)
{
    alarm(10); /* ends the hang when nothing else does */
    pthread_t riders[2];
    sem_init(&bridles, 0, 0);
    sem_init(&saddles, 0, 0);
    pthread_create(&riders[0], NULL, ride, NULL);
    pthread_create(&riders[1], NULL, ride_side_saddle, NULL);
    sem_post(&bridles);
    sem_post(&bridles);
    sem_post(&saddles);
    pthread_join(riders[0], NULL);
    pthread_join(riders[1], NULL);
    sem_destroy(&bridles);
    sem_destroy(&saddles);
    return 0;
}
