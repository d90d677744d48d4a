/* expect: deadlock form=all-asleep at=walk@meeting_point */
/* The barrier is made for three, because main was meant to come along; main joins the walkers instead, and they wait
 * for it for ever.  Mended in barrier_party_ok.c.
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define WALKERS 2

static pthread_barrier_t meeting_point;

static void *walk(void *unused)
{
    pthread_barrier_wait(&meeting_point); /* @meeting_point */
    return unused;
}

int main(void)
{
    alarm(10); /* ends the hang when nothing else does */
    pthread_t walkers[WALKERS];
    pthread_barrier_init(&meeting_point, NULL, WALKERS + 1);
    for (int i = 0; i < WALKERS; i++)
        pthread_create(&walkers[i], NULL, walk, NULL);
    for (int i = 0; i < WALKERS; i++)
        pthread_join(walkers[i], NULL);
    pthread_barrier_destroy(&meeting_point);
    puts("all have met");
    return 0;
}
