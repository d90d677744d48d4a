/* expect: deadlock form=all-asleep */
/* Shared Event: a condition variable without a flag; a set before the wait leaves no trace. */
#include "shared.h"

struct event {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
};

int main(void)
{
    struct event *e = shared_memory(sizeof(*e));
    shared_mutex_init(&e->mutex);
    shared_cond_init(&e->cond);
    alarm(2); /* nobody sits here for ever */
    pthread_mutex_lock(&e->mutex);
    pthread_cond_broadcast(&e->cond);
    pthread_cond_wait(&e->cond, &e->mutex);
    pthread_mutex_unlock(&e->mutex);
    return 0;
}
