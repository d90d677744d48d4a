/* expect: none */
/* The mutex outlives all who use it.  The bug is in use_after_destroy_bug.c. */
#include "stage.h"
#include <pthread.h>

static pthread_mutex_t *lock;
static pthread_mutex_t the_lock;

static void *last_words(void *unused)
{
    pthread_mutex_lock(lock);
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
    pthread_join(thread, NULL);
    pthread_mutex_destroy(lock);
    return 0;
}
