/* expect: deadlock form=self */
/* Shared RLock: made of a default mutex between processes; its owner takes it again and waits for itself. */
#include "shared.h"

int main(void)
{
    pthread_mutex_t *mutex = shared_memory(sizeof(*mutex));
    shared_mutex_init(mutex);
    pthread_mutex_lock(mutex);
    pthread_mutex_lock(mutex);
    pthread_mutex_unlock(mutex);
    pthread_mutex_unlock(mutex);
    return 0;
}
