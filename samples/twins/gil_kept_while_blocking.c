/* expect: deadlock form=all-asleep */
/* GIL: held across a blocking wait for something that only a thread with the GIL can do. */
#include <semaphore.h>

#include "twin.h"

static pthread_mutex_t gil = PTHREAD_MUTEX_INITIALIZER;
static sem_t result;

static void *worker(void *arg)
{
    stage_wait(1);
    pthread_mutex_lock(&gil);
    sem_post(&result);
    pthread_mutex_unlock(&gil);
    return arg;
}

int main(void)
{
    must(sem_init(&result, 0, 0) == 0);
    pthread_t t = spawn(worker, NULL);
    pthread_mutex_lock(&gil);
    stage_set(1);
    sem_wait(&result);
    pthread_mutex_unlock(&gil);
    join(t);
    return 0;
}
