/* expect: join-self */
/* Process pool: the callback of a task, which runs in the manager thread, shuts the pool down and waits for the manager. */
#include "twin.h"

static struct pool {
    pthread_mutex_t mutex;
    pthread_t manager;
} pool = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void shutdown_and_wait(void)
{
    pthread_join(pool.manager, NULL);
}

static void *manage(void *arg)
{
    pthread_mutex_lock(&pool.mutex); /* made by now */
    pthread_mutex_unlock(&pool.mutex);
    shutdown_and_wait(); /* as a callback */
    return arg;
}

int main(void)
{
    pthread_mutex_lock(&pool.mutex);
    pool.manager = spawn(manage, NULL);
    pthread_mutex_unlock(&pool.mutex);
    join(pool.manager);
    return 0;
}
