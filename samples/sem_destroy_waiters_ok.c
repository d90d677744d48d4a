/* expect: none */
/* Wake the waiter, join it, destroy then.  The bug is in sem_destroy_waiters_bug.c. */
#include "stage.h"
#include <pthread.h>
#include <semaphore.h>

static sem_t work;
static atomic_int worker_tid;

static void *worker(void *unused)
{
    stage_announce(&worker_tid);
    sem_wait(&work);
    return unused;
}

int main(void)
{
    pthread_t thread;
    sem_init(&work, 0, 0);
    pthread_create(&thread, NULL, worker, NULL);
    stage_await_asleep(&worker_tid);
    sem_post(&work);
    pthread_join(thread, NULL);
    sem_destroy(&work);
    puts("closed");
    return 0;
}
