/* expect: cond-two-mutexes */
/* Condition: two threads wait on it, each with a mutex of its own. */
#include <time.h>

#include "twin.h"

static pthread_mutex_t mutexes[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static void *wait_a_second(void *arg)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec++;
    pthread_mutex_lock(arg);
    pthread_cond_timedwait(&cond, arg, &t);
    pthread_mutex_unlock(arg);
    return arg;
}

int main(void)
{
    pthread_t a = spawn(wait_a_second, &mutexes[0]), b = spawn(wait_a_second, &mutexes[1]);
    join(a);
    join(b);
    return 0;
}
