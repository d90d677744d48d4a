/* expect: deadlock form=cycle at=set_up@wants_config at=first_use@wants_once */
/* The once-routine needs a mutex; another thread holds the mutex and calls the once.  A once is a lock too: whoever
 * comes second waits until the routine has returned.  Mended in once_mutex_ok.c.
 */
#include "stage.h"
#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t config = PTHREAD_MUTEX_INITIALIZER;
static int setting;

static void set_up(void)
{
    stage_advance();
    stage_await(2);
    pthread_mutex_lock(&config); /* @wants_config */
    setting = 1;
    pthread_mutex_unlock(&config);
}

static void *start(void *unused)
{
    pthread_once(&once, set_up);
    return unused;
}

static void *first_use(void *unused)
{
    pthread_mutex_lock(&config);
    stage_await(1);
    stage_advance();
    pthread_once(&once, set_up); /* @wants_once */
    printf("setting %d\n", setting);
    pthread_mutex_unlock(&config);
    return unused;
}

int main(void)
{
    alarm(10); /* ends the hang when nothing else does */
    pthread_t a, b;
    pthread_create(&a, NULL, start, NULL);
    pthread_create(&b, NULL, first_use, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return 0;
}
