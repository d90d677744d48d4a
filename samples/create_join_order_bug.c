/* expect: lock-order-inversion at=load@index_second at=save@data_second */
/* load and save take two locks in opposite orders and may run at the same time.  Mended in create_join_order_ok.c,
 * where they cannot.
 */
#include "stage.h"
#include <pthread.h>

static pthread_mutex_t data = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t index_lock = PTHREAD_MUTEX_INITIALIZER;

static void *load(void *unused)
{
    pthread_mutex_lock(&data);
    pthread_mutex_lock(&index_lock); /* @index_second */
    pthread_mutex_unlock(&index_lock);
    pthread_mutex_unlock(&data);
    stage_advance();
    return unused;
}

static void *save(void *unused)
{
    stage_await(1);
    pthread_mutex_lock(&index_lock);
    pthread_mutex_lock(&data); /* @data_second */
    pthread_mutex_unlock(&data);
    pthread_mutex_unlock(&index_lock);
    return unused;
}

int main(void)
{
    pthread_t loader, saver;
    pthread_create(&loader, NULL, load, NULL);
    pthread_create(&saver, NULL, save, NULL);
    pthread_join(loader, NULL);
    pthread_join(saver, NULL);
    puts("loaded and saved");
    return 0;
}
