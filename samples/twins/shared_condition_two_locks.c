/* expect: cond-two-mutexes */
/* Shared Condition: two threads wait on it, each with a mutex of its own. */
#include "shared.h"

struct monitor {
    pthread_mutex_t mutexes[2];
    pthread_cond_t cond;
    int woken;
};
static struct monitor *monitor;

static void *waiter(void *arg)
{
    pthread_mutex_t *mutex = arg;
    pthread_mutex_lock(mutex);
    if (mutex == &monitor->mutexes[1])
        stage_set(2);
    else
        stage_set(1);
    pthread_cond_wait(&monitor->cond, mutex);
    pthread_mutex_unlock(mutex);
    return NULL;
}

int main(void)
{
    monitor = shared_memory(sizeof(*monitor));
    shared_mutex_init(&monitor->mutexes[0]);
    shared_mutex_init(&monitor->mutexes[1]);
    shared_cond_init(&monitor->cond);
    pthread_t first = spawn(waiter, &monitor->mutexes[0]);
    stage_wait(1);
    pthread_mutex_lock(&monitor->mutexes[0]); /* got once the first one waits */
    pthread_mutex_unlock(&monitor->mutexes[0]);
    pthread_t second = spawn(waiter, &monitor->mutexes[1]);
    stage_wait(2);
    pthread_mutex_lock(&monitor->mutexes[1]);
    pthread_mutex_unlock(&monitor->mutexes[1]);
    pthread_cond_broadcast(&monitor->cond);
    join(first);
    join(second);
    return 0;
}
