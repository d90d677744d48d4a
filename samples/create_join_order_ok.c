/* expect: none */
/* load and save take two locks in opposite orders, but load is joined before save is created: they can never meet.  A
 * checker that forgets who was created and joined when would complain here.
 */
#include "stage.h"
#include <pthread.h>

static pthread_mutex_t data = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t index_lock = PTHREAD_MUTEX_INITIALIZER;

static void *load(void *unused)
{
    pthread_mutex_lock(&data);
    pthread_mutex_lock(&index_lock);
    pthread_mutex_unlock(&index_lock);
    pthread_mutex_unlock(&data);
    stage_advance();
    return unused;
}

static void *save(void *unused)
{
    stage_await(1);
    pthread_mutex_lock(&index_lock);
    pthread_mutex_lock(&data);
    pthread_mutex_unlock(&data);
    pthread_mutex_unlock(&index_lock);
    return unused;
}

int main(void)
{
    pthread_t loader, saver;
    pthread_create(&loader, NULL, load, NULL);
    pthread_join(loader, NULL);
    pthread_create(&saver, NULL, save, NULL);
    pthread_join(saver, NULL);
    puts("loaded and saved");
    return 0;
}
