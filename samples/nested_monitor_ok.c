/* expect: none */
/* The server's lock protects the server and is given back before the queue may wait.  The bug is in
 * nested_monitor_bug.c.
 */
#include "stage.h"
#include <pthread.h>

static pthread_mutex_t server = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t queue = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queue_filled = PTHREAD_COND_INITIALIZER;
static int jobs, taken;

static void queue_take(void)
{
    pthread_mutex_lock(&queue);
    stage_advance();
    while (jobs == 0)
        pthread_cond_wait(&queue_filled, &queue);
    jobs--;
    pthread_mutex_unlock(&queue);
}

static void *take_job(void *unused)
{
    pthread_mutex_lock(&server);
    taken++;
    pthread_mutex_unlock(&server);
    queue_take();
    return unused;
}

static void *put_job(void *unused)
{
    stage_await(1);
    pthread_mutex_lock(&server);
    pthread_mutex_lock(&queue);
    jobs++;
    pthread_cond_signal(&queue_filled);
    pthread_mutex_unlock(&queue);
    pthread_mutex_unlock(&server);
    return unused;
}

int main(void)
{
    pthread_t taker, putter;
    pthread_create(&taker, NULL, take_job, NULL);
    pthread_create(&putter, NULL, put_job, NULL);
    pthread_join(taker, NULL);
    pthread_join(putter, NULL);
    printf("%d job taken\n", taken);
    return 0;
}
