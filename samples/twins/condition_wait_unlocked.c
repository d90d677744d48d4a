/* expect: cond-wait-unlocked */
/* Condition: waits without holding the mutex. */
#include <time.h>

#include "twin.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

int main(void)
{
    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    pthread_cond_timedwait(&cond, &mutex, &soon);
    return 0;
}
