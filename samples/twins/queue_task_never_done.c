/* expect: deadlock form=all-asleep */
/* Queue: the consumer takes an item and ends without task_done; join waits for ever. */
#include "twin.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int items = 1, unfinished = 1;

static void *consume(void *arg)
{
    pthread_mutex_lock(&mutex);
    items--;
    pthread_mutex_unlock(&mutex);
    return arg;
}

int main(void)
{
    join(spawn(consume, NULL));
    pthread_mutex_lock(&mutex);
    while (unfinished > 0)
        pthread_cond_wait(&cond, &mutex);
    pthread_mutex_unlock(&mutex);
    return items;
}
