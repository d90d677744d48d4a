/* expect: deadlock form=all-asleep */
/* Condition: the state is tested before the mutex is taken; the change and its signal fall in between and are lost.
 */
#include "twin.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int ready;

static int is_ready(void)
{
    pthread_mutex_lock(&mutex);
    int r = ready;
    pthread_mutex_unlock(&mutex);
    return r;
}

static void *waiter(void *arg)
{
    int r = is_ready();
    stage_set(1);
    stage_wait(2);
    pthread_mutex_lock(&mutex);
    if (!r)
        pthread_cond_wait(&cond, &mutex);
    pthread_mutex_unlock(&mutex);
    return arg;
}

int main(void)
{
    pthread_t t = spawn(waiter, NULL);
    stage_wait(1);
    pthread_mutex_lock(&mutex);
    ready = 1;
    pthread_cond_signal(&cond);
    pthread_mutex_unlock(&mutex);
    stage_set(2);
    join(t);
    return 0;
}
