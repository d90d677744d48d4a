/* expect: none */
/* The once is passed before the mutex is taken, so nobody holds the mutex while waiting for the once.  The bug is in
 * once_mutex_bug.c.
 */
#include "stage.h"
#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t config = PTHREAD_MUTEX_INITIALIZER;
static int setting;

static void set_up(void)
{
    pthread_mutex_lock(&config);
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
    pthread_once(&once, set_up);
    pthread_mutex_lock(&config);
    printf("setting %d\n", setting);
    pthread_mutex_unlock(&config);
    return unused;
}

int main(void)
{
    pthread_t a, b;
    pthread_create(&a, NULL, start, NULL);
    pthread_create(&b, NULL, first_use, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return 0;
}
