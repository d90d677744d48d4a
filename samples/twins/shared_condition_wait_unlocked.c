/* expect: cond-wait-unlocked */
/* Shared Condition: waits without holding the mutex. */
#include <time.h>

#include "shared.h"

struct monitor {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
};

int main(void)
{
    struct monitor *m = shared_memory(sizeof(*m));
    struct timespec past = {0};
    shared_mutex_init(&m->mutex);
    shared_cond_init(&m->cond);
    pthread_cond_timedwait(&m->cond, &m->mutex, &past);
    return 0;
}
