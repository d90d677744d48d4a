/* expect: deadlock form=all-asleep at=consumer@wait */
/* The producer looks whether somebody waits, sees nobody, and signals into the void; then the consumer goes to sleep
 * for something that has already happened.  A condition variable remembers nothing: the state must be in a variable
 * that the waiter tests under the mutex.  Mended in lost_wakeup_ok.c.
 */
#include "stage.h"
#include <pthread.h>
#include <stdbool.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ready = PTHREAD_COND_INITIALIZER;
static bool is_ready;

static void *producer(void *unused)
{
    pthread_mutex_lock(&lock);
    is_ready = true;
    pthread_cond_signal(&ready);
    pthread_mutex_unlock(&lock);
    stage_advance();
    return unused;
}

static void *consumer(void *unused)
{
    stage_await(1);
    pthread_mutex_lock(&lock);
    pthread_cond_wait(&ready, &lock); /* @wait */
    printf("ready: %d\n", is_ready);
    pthread_mutex_unlock(&lock);
    return unused;
}

int main(void)
{
    alarm(10); /* ends the hang when nothing else does */
    pthread_t a, b;
    pthread_create(&a, NULL, producer, NULL);
    pthread_create(&b, NULL, consumer, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return 0;
}
