/* expect: unlock-not-owned */
/* Shared RLock: the release does not ask who owns it; a thread of the owner's process unlocks it. */
#include "shared.h"

static void *stranger(void *mutex)
{
    pthread_mutex_unlock(mutex);
    return NULL;
}

int main(void)
{
    pthread_mutex_t *mutex = shared_memory(sizeof(*mutex));
    shared_mutex_init(mutex);
    pthread_mutex_lock(mutex);
    join(spawn(stranger, mutex));
    return 0;
}
