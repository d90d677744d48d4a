/* expect: none */
/* The barrier counts exactly those who come.  The bug is in barrier_party_bug.c. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define WALKERS 2

static pthread_barrier_t meeting_point;

static void *walk(void *unused)
{
    pthread_barrier_wait(&meeting_point);
    return unused;
}

int main(void)
{
    pthread_t walkers[WALKERS];
    pthread_barrier_init(&meeting_point, NULL, WALKERS);
    for (int i = 0; i < WALKERS; i++)
        pthread_create(&walkers[i], NULL, walk, NULL);
    for (int i = 0; i < WALKERS; i++)
        pthread_join(walkers[i], NULL);
    pthread_barrier_destroy(&meeting_point);
    puts("all have met");
    return 0;
}
