/* expect: deadlock form=all-asleep */
/* Condition: a woken thread does not look again, takes an item that another has taken, and the count of items lies
 * from then on.
 */
#include "twin.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int items, waiting;

static void *take(void *arg)
{
    pthread_mutex_lock(&mutex);
    waiting++;
    if (items <= 0)
        pthread_cond_wait(&cond, &mutex);
    items--;
    pthread_mutex_unlock(&mutex);
    return arg;
}

static void put(void)
{
    pthread_mutex_lock(&mutex);
    items++;
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&mutex);
}

static void await(int n)
{
    for (int seen = 0; seen != n; sched_yield()) {
        pthread_mutex_lock(&mutex);
        seen = waiting;
        pthread_mutex_unlock(&mutex);
    }
}

int main(void)
{
    pthread_t a = spawn(take, NULL), b = spawn(take, NULL);
    await(2);
    put();
    join(a);
    join(b);
    put();
    join(spawn(take, NULL));
    return 0;
}
