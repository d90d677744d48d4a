/* expect: lock-held-at-thread-exit */
/* Thread-local data: the destructor takes a lock and leaves with it. */
#include "twin.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t key;
static int destroyed;

static void destruct(void *value)
{
    (void)value;
    pthread_mutex_lock(&mutex);
    destroyed++;
}

static void *body(void *arg)
{
    pthread_setspecific(key, &key);
    return arg;
}

int main(void)
{
    pthread_key_create(&key, destruct);
    join(spawn(body, NULL));
    return 0;
}
