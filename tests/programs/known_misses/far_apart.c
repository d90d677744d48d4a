/* miss: a plane tells 127 epochs of its thread apart; older ones are merged four by four, and count as the earliest of the
 * four.  When the other thread has seen that one, the access counts as seen: here the race comes right behind what the
 * other thread has heard of, and hundreds of epochs before it is met. */
/* expect: data-race at=add@write at=main@write */
#include <pthread.h>

#include "../races/unseen.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t begun;
static volatile long total;
static long cells[1000];

static void *add(void *unused)
{
    pthread_barrier_wait(&begun);
    unseen_wait();
    total = 2; /* @write */
    return unused;
}

int main(void)
{
    pthread_t thread;
    unseen_open();
    pthread_barrier_init(&begun, NULL, 2);
    pthread_create(&thread, NULL, add, NULL);
    cells[0] = 1;
    pthread_barrier_wait(&begun);
    total = 1; /* @write */
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&lock);
        cells[i]++;
        pthread_mutex_unlock(&lock);
    }
    unseen_pass();
    pthread_join(thread, NULL);
    return 0;
}
