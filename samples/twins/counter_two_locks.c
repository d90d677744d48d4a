/* expect: needs-weaving */
/* Counter: each thread takes a lock, but not the same one. */
#include "twin.h"

static pthread_mutex_t mutexes[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static long count;

static void *body(void *arg)
{
    for (int i = 0; i < 10000; i++) {
        pthread_mutex_lock(arg);
        count++;
        pthread_mutex_unlock(arg);
    }
    return arg;
}

int main(void)
{
    pthread_t a = spawn(body, &mutexes[0]), b = spawn(body, &mutexes[1]);
    join(a);
    join(b);
    printf("%ld\n", count);
    return 0;
}
