/* expect: lock-order-inversion at=dine@right_fork */
/* Dining philosophers with a butler who counts wrongly: the room was to hold one less than there are seats, and holds
 * all of them.  They dine one after the other here, so the run ends well.  Mended in philosophers_room_ok.c.
 */
#include "stage.h"
#include <pthread.h>
#include <semaphore.h>

#define SEATS 5
#define ROOM  SEATS

static sem_t room;
static pthread_mutex_t forks[SEATS];
static int meals[SEATS];

static void *dine(void *argument)
{
    int seat = (int)((int *)argument - meals);
    pthread_mutex_t *first = &forks[seat], *second = &forks[(seat + 1) % SEATS];
    stage_await(seat); /* the neighbour has finished */
    sem_wait(&room);
    pthread_mutex_lock(first);
    pthread_mutex_lock(second); /* @right_fork */
    meals[seat]++;
    pthread_mutex_unlock(second);
    pthread_mutex_unlock(first);
    sem_post(&room);
    stage_advance();
    return NULL;
}

int main(void)
{
    pthread_t philosophers[SEATS];
    sem_init(&room, 0, ROOM);
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
