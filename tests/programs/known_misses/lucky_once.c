/* miss: a once is waited for by those who come second only, and in a run where nobody waits it is not known to be a lock; the run
 * that hangs is caught (samples/once_mutex_bug.c). */
/* expect: lock-order-inversion at=set_up@wants_config at=first_use@wants_once */
#include "../../../samples/stage.h"
#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t config = PTHREAD_MUTEX_INITIALIZER;
static int setting;

static void set_up(void)
{
    pthread_mutex_lock(&config); /* @wants_config */
    setting = 1;
    pthread_mutex_unlock(&config);
}

static void *start(void *unused)
{
    pthread_once(&once, set_up);
    stage_advance();
    return unused;
}

static void *first_use(void *unused)
{
    stage_await(1);
    pthread_mutex_lock(&config);
    pthread_once(&once, set_up); /* @wants_once */
    pthread_mutex_unlock(&config);
    return unused;
}

int main(void)
{
    pthread_t threads[2];
    pthread_create(&threads[0], NULL, start, NULL);
    pthread_create(&threads[1], NULL, first_use, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
