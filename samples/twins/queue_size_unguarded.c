/* expect: needs-weaving */
/* Queue: size is read without the lock that its writers take. */
#include "twin.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int size;

static void *put(void *arg)
{
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&mutex);
        size++;
        pthread_mutex_unlock(&mutex);
    }
    return arg;
}

static void *poll_size(void *arg)
{
    while (*(volatile int *)&size < 1000)
        sched_yield();
    return arg;
}

int main(void)
{
    run_two(put, poll_size);
    return 0;
}
