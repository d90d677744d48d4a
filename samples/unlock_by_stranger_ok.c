/* expect: none */
/* Saying "done" from one thread to another is a semaphore's job: who posts need not be who waits.  The bug is in
 * unlock_by_stranger_bug.c.
 */
#include "stage.h"
#include <pthread.h>
#include <semaphore.h>

static sem_t done;

static void *starter(void *unused)
{
    stage_advance();
    sem_wait(&done);
    return unused;
}

static void *finisher(void *unused)
{
    stage_await(1);
    sem_post(&done);
    stage_advance();
    return unused;
}

int main(void)
{
    sem_init(&done, 0, 0);
    pthread_t a, b;
    pthread_create(&a, NULL, starter, NULL);
    pthread_create(&b, NULL, finisher, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    sem_destroy(&done);
    puts("done");
    return 0;
}
