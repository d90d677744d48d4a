/* thread_data.c: destructors of thread-specific data lock, create keys again and run in the rounds that POSIX promises.
 */
#include "show.h"
#include <limits.h>
#include <pthread.h>

static pthread_key_t key, other_key;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static int rounds, others;

static void destroy_again(void *value)
{
    pthread_mutex_lock(&mutex);
    rounds++;
    pthread_mutex_unlock(&mutex);
    pthread_setspecific(key, value); /* comes round again, PTHREAD_DESTRUCTOR_ITERATIONS times at most */
}

static void destroy_other(void *value)
{
    pthread_rwlock_wrlock(&rwlock);
    others += *(int *)value;
    pthread_rwlock_unlock(&rwlock);
}

static void *work(void *value)
{
    pthread_setspecific(key, value);
    pthread_setspecific(other_key, value);
    if (*(int *)value == 2)
        pthread_exit(value);
    return value;
}

int main(void)
{
    int values[4] = {1, 2, 3, 4};
    pthread_t threads[4];
    pthread_key_create(&key, destroy_again);
    pthread_key_create(&other_key, destroy_other);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, work, &values[i]);
    for (int i = 0; i < 4; i++)
        SHOW(pthread_join(threads[i], NULL));
    printf("%d rounds, others %d\n", rounds, others);
    return 0;
}
