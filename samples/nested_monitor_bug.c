/* expect: deadlock form=all-asleep at=queue_take@inner_wait at=put_job@outer_lock */
/* A queue with a lock of its own lives inside a server with another lock.  Waiting for a job gives back the queue's
 * lock but keeps the server's, and whoever brings a job must first have the server's.  Mended in nested_monitor_ok.c.
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
        pthread_cond_wait(&queue_filled, &queue); /* @inner_wait */
    jobs--;
    pthread_mutex_unlock(&queue);
}

static void *take_job(void *unused)
{
    pthread_mutex_lock(&server);
    taken++;
    queue_take();
    pthread_mutex_unlock(&server);
    return unused;
}

static void *put_job(void *unused)
{
    stage_await(1);
    pthread_mutex_lock(&server); /* @outer_lock */
    pthread_mutex_lock(&queue);
    jobs++;
    pthread_cond_signal(&queue_filled);
    pthread_mutex_unlock(&queue);
    pthread_mutex_unlock(&server);
    return unused;
}

int main(void)
{
    alarm(10); /* ends the hang when nothing else does */
    pthread_t taker, putter;
    pthread_create(&taker, NULL, take_job, NULL);
    pthread_create(&putter, NULL, put_job, NULL);
    pthread_join(taker, NULL);
    pthread_join(putter, NULL);
    printf("%d job taken\n", taken);
    return 0;
}
