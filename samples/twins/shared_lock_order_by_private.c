/* expect: lock-order-inversion */
/* across: processes */
/* Shared lock: one process takes the second after the first by way of a mutex of its own, another in the opposite order. */
#include "shared.h"

struct pair {
    pthread_mutex_t first, second;
};

static struct pair *shared;
static pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;

static void take(pthread_mutex_t *a, pthread_mutex_t *b)
{
    pthread_mutex_lock(a);
    pthread_mutex_lock(b);
    pthread_mutex_unlock(b);
    pthread_mutex_unlock(a);
}

static void child(void *arg)
{
    stage_wait(2);
    take(&shared->second, &shared->first);
    (void)arg;
}

static void *first_then_own(void *arg)
{
    take(&shared->first, &own);
    stage_set(1);
    return arg;
}

static void *own_then_second(void *arg)
{
    stage_wait(1);
    take(&own, &shared->second);
    stage_set(2);
    return arg;
}

int main(void)
{
    shared = shared_memory(sizeof(*shared));
    shared_mutex_init(&shared->first);
    shared_mutex_init(&shared->second);
    pid_t pid = shared_child(child, NULL);
    run_two(first_then_own, own_then_second);
    shared_child_end(pid);
    return 0;
}
