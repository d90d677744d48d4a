/* expect: none */
/* The mutex lives until its last user has been joined.  The bug is in destroy_held_bug.c. */
#include "stage.h"
#include <pthread.h>

static pthread_mutex_t lock;

static void *worker(void *unused)
{
    pthread_mutex_lock(&lock);
    stage_advance();
    pthread_mutex_unlock(&lock);
    return unused;
}

int main(void)
{
    pthread_t thread;
    pthread_mutex_init(&lock, NULL);
    pthread_create(&thread, NULL, worker, NULL);
    stage_await(1);
    pthread_join(thread, NULL);
    pthread_mutex_destroy(&lock);
    puts("closed");
    return 0;
}
