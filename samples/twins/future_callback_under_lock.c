/* expect: lock-order-inversion */
/* Future: callbacks run with the future locked and take the lock of the pool, whose own code locks the pool and then
 * the future.
 */
#include "twin.h"

static pthread_mutex_t future = PTHREAD_MUTEX_INITIALIZER, pool = PTHREAD_MUTEX_INITIALIZER;
static int done, finished;

static void callback(void)
{
    pthread_mutex_lock(&pool);
    finished++;
    pthread_mutex_unlock(&pool);
}

static void *worker(void *arg)
{
    pthread_mutex_lock(&future);
    done = 1;
    callback();
    pthread_mutex_unlock(&future);
    stage_set(1);
    return arg;
}

static void *shutdown_pool(void *arg)
{
    stage_wait(1);
    pthread_mutex_lock(&pool);
    pthread_mutex_lock(&future);
    done = 0;
    pthread_mutex_unlock(&future);
    pthread_mutex_unlock(&pool);
    return arg;
}

int main(void)
{
    run_two(worker, shutdown_pool);
    return 0;
}
