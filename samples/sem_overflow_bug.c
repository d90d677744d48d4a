/* expect: sem-overflow at=give_back@post */
/* More posts than waits: the counter of free places grows until it can grow no more.  sem_post() says EOVERFLOW, which
 * nobody reads.  Mended in sem_overflow_ok.c.
 */
#include <limits.h>
#include <semaphore.h>
#include <stdio.h>

static sem_t places;

static void give_back(void)
{
    sem_post(&places); /* @post */
}

int main(void)
{
    sem_init(&places, 0, SEM_VALUE_MAX);
    give_back();
    int free_places = 0;
    sem_getvalue(&places, &free_places);
    printf("%d places\n", free_places);
    sem_destroy(&places);
    return 0;
}
