/* expect: deadlock form=all-asleep */
/* Executor: its one worker runs a task that waits for another task in the same queue. */
#include "twin.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int queued = 1, second_done;

static void run_task(int number)
{
    pthread_mutex_lock(&mutex);
    if (number == 1) {
        queued++;
        while (!second_done)
            pthread_cond_wait(&cond, &mutex);
    } else {
        second_done = 1;
        pthread_cond_broadcast(&cond);
    }
    pthread_mutex_unlock(&mutex);
}

static void *worker(void *arg)
{
    for (int i = 1; i <= 2; i++)
        run_task(i);
    return arg;
}

int main(void)
{
    join(spawn(worker, NULL));
    return queued;
}
