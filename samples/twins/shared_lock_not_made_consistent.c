/* expect: robust-inconsistent */
/* Shared lock: taken over from a dead holder and released without being made consistent. */
#include <errno.h>

#include "twin.h"

static pthread_mutex_t mutex;

static void *die(void *arg)
{
    pthread_mutex_lock(&mutex);
    return arg;
}

int main(void)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&mutex, &attr);
    join(spawn(die, NULL));
    must(pthread_mutex_lock(&mutex) == EOWNERDEAD);
    pthread_mutex_unlock(&mutex);
    return 0;
}
