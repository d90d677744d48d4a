/* expect: none */
/* Dining philosophers with a butler, who lets one less into the room than there are seats: the five orders close a circle
 * of five forks, but never five philosophers are there to close it.  In philosophers_room_bug.c the room holds all.
 */
#include "stage.h"
#include <pthread.h>
#include <semaphore.h>

#define SEATS 5
#define ROOM  (SEATS - 1)

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
    pthread_mutex_lock(second);
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
