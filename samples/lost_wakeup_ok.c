/* expect: none */
/* The state is a variable, tested under the mutex before each wait, so it makes no difference whether the signal comes
 * before the wait or after it.  The bug is in lost_wakeup_bug.c.
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
    while (!is_ready)
        pthread_cond_wait(&ready, &lock);
    printf("ready: %d\n", is_ready);
    pthread_mutex_unlock(&lock);
    return unused;
}

int main(void)
{
    pthread_t a, b;
    pthread_create(&a, NULL, producer, NULL);
    pthread_create(&b, NULL, consumer, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return 0;
}
