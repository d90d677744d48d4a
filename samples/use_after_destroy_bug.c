/* expect: use-after-destroy at=last_words@use */
/* The worker says goodbye with a mutex that main has already destroyed.  Mended in use_after_destroy_ok.c: join before
 * destroying.
 */
#include "stage.h"
#include <pthread.h>

static pthread_mutex_t *lock;
static pthread_mutex_t the_lock;

static void *last_words(void *unused)
{
    stage_await(1);
    pthread_mutex_lock(lock); /* @use */
    puts("goodbye");
    pthread_mutex_unlock(lock);
    return unused;
}

int main(void)
{
    pthread_t thread;
    lock = &the_lock;
    pthread_mutex_init(lock, NULL);
    pthread_create(&thread, NULL, last_words, NULL);
    pthread_mutex_destroy(lock);
    stage_advance();
    pthread_join(thread, NULL);
    return 0;
}
