/* expect: none */
/* Dining philosophers that never starve: forks are numbered and each philosopher takes the lower number first.  For
 * the last seat that means the right fork first, and the circle of philosophers_bug.c is cut there.
 */
#include "stage.h"
#include <pthread.h>

#define SEATS 5

static pthread_mutex_t forks[SEATS];
static int meals[SEATS];

static void *dine(void *argument)
{
    int seat = (int)((int *)argument - meals);
    int left = seat, right = (seat + 1) % SEATS;
    pthread_mutex_t *first = &forks[left < right ? left : right], *second = &forks[left < right ? right : left];
    stage_await(seat); /* the neighbour has finished */
    pthread_mutex_lock(first);
    pthread_mutex_lock(second);
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
