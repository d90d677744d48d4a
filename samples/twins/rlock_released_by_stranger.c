/* expect: unlock-not-owned */
/* RLock: the release does not ask who owns it, and a stranger unlocks the owner's mutex. */
#include "twin.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *stranger(void *arg)
{
    pthread_mutex_unlock(&mutex);
    return arg;
}

int main(void)
{
    pthread_mutex_lock(&mutex);
    join(spawn(stranger, NULL));
    return 0;
}
