/* expect: none */
/* One post for each wait.  The bug is in sem_overflow_bug.c. */
#include <limits.h>
#include <semaphore.h>
#include <stdio.h>

static sem_t places;

static void give_back(void)
{
    sem_post(&places);
}

int main(void)
{
    sem_init(&places, 0, SEM_VALUE_MAX);
    sem_wait(&places);
    give_back();
    int free_places = 0;
    sem_getvalue(&places, &free_places);
    printf("%d places\n", free_places);
    sem_destroy(&places);
    return 0;
}
