/* far_apart.c: a race whose sides are a thousand epochs apart, the first right behind what the other thread has heard of. */
/* expect: data-race at=add@adds at=main@begins */
#include <pthread.h>

#include "unseen.h"

enum { EPOCHS = 1000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t begun;
static volatile long total;
static long cells[EPOCHS];
static int has_left[2]; /* a second pipe, the other way */

static void *add(void *unused)
{
    char byte = 1;
    pthread_barrier_wait(&begun);
    unseen_call(SYS_write, has_left[1], (long)&byte, 1);
    unseen_wait();
    total = 2; /* @adds */
    return unused;
}

int main(void)
{
    char byte;
    pthread_t thread;
    unseen_open();
    unseen_call(SYS_pipe, (long)has_left, 0, 0);
    pthread_barrier_init(&begun, NULL, 2);
    pthread_create(&thread, NULL, add, NULL);
    cells[0] = 1;
    pthread_barrier_wait(&begun);
    unseen_call(SYS_read, has_left[0], (long)&byte, 1);
    total = 1; /* @begins */
    for (int i = 0; i < EPOCHS; i++) {
        pthread_mutex_lock(&lock);
        cells[i]++;
        pthread_mutex_unlock(&lock);
    }
    unseen_pass();
    pthread_join(thread, NULL);
    return 0;
}
