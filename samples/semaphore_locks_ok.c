/* expect: none */
/* Two semaphores used as locks, always in one order.  The bug is in semaphore_locks_bug.c. */
#include "stage.h"
#include <pthread.h>
#include <semaphore.h>

static sem_t scanner, printer;

static void *scan(void *unused)
{
    sem_wait(&scanner);
    sem_wait(&printer);
    sem_post(&printer);
    sem_post(&scanner);
    stage_advance();
    return unused;
}

static void *print(void *unused)
{
    stage_await(1);
    sem_wait(&scanner);
    sem_wait(&printer);
    sem_post(&scanner);
    sem_post(&printer);
    return unused;
}

int main(void)
{
    sem_init(&scanner, 0, 1);
    sem_init(&printer, 0, 1);
    pthread_t a, b;
    pthread_create(&a, NULL, scan, NULL);
    pthread_create(&b, NULL, print, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    sem_destroy(&scanner);
    sem_destroy(&printer);
    puts("copied");
    return 0;
}
