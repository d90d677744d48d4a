/* expect: sem-destroy-with-waiters at=main@destroy */
/* The semaphore is destroyed while a thread sleeps on it.  Nothing can wake that thread any more.  Mended in
 * sem_destroy_waiters_ok.c.
 */
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
    sem_destroy(&work); /* @destroy */
    puts("closed");
    return 0;
}
