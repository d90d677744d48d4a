/* expect: destroy-locked at=main@destroy */
/* The mutex is destroyed while a worker is inside its critical section.  glibc answers EBUSY, which nobody looks at.
 * Mended in destroy_held_ok.c: join first, then destroy.
 */
#include "stage.h"
#include <pthread.h>

static pthread_mutex_t lock;

static void *worker(void *unused)
{
    pthread_mutex_lock(&lock);
    stage_advance();
    stage_await(2); /* busy while main tears down */
    pthread_mutex_unlock(&lock);
    return unused;
}

int main(void)
{
    pthread_t thread;
    pthread_mutex_init(&lock, NULL);
    pthread_create(&thread, NULL, worker, NULL);
    stage_await(1);
    pthread_mutex_destroy(&lock); /* @destroy */
    stage_advance();
    pthread_join(thread, NULL);
    puts("closed");
    return 0;
}
