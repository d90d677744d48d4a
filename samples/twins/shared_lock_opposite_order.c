/* expect: lock-order-inversion */
/* across: processes */
/* Shared lock: parent and child take two of them in opposite orders; this run does not hang. */
#include "shared.h"

struct pair {
    pthread_mutex_t first, second;
};

static void take(pthread_mutex_t *a, pthread_mutex_t *b)
{
    pthread_mutex_lock(a);
    pthread_mutex_lock(b);
    pthread_mutex_unlock(b);
    pthread_mutex_unlock(a);
}

static void child(void *arg)
{
    struct pair *p = arg;
    stage_wait(1);
    take(&p->second, &p->first);
}

int main(void)
{
    struct pair *p = shared_memory(sizeof(*p));
    shared_mutex_init(&p->first);
    shared_mutex_init(&p->second);
    pid_t pid = shared_child(child, p);
    take(&p->first, &p->second);
    stage_set(1);
    shared_child_end(pid);
    return 0;
}
