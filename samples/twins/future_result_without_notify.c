/* expect: deadlock form=all-asleep */
/* Future: the result is set and nobody is told. */
#include "twin.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int done, waiting;

static void *worker(void *arg)
{
    int w = 0;
    while (!w) {
        pthread_mutex_lock(&mutex);
        w = waiting;
        done = w;
        pthread_mutex_unlock(&mutex);
    }
    return arg;
}

int main(void)
{
    pthread_t t = spawn(worker, NULL);
    pthread_mutex_lock(&mutex);
    waiting = 1;
    while (!done)
        pthread_cond_wait(&cond, &mutex);
    pthread_mutex_unlock(&mutex);
    join(t);
    return 0;
}
