/* expect: use-after-destroy */
/* may: data-race */
/* Timer: not cancelled before its data are destroyed. */
#include "twin.h"

static pthread_mutex_t mutex;

static void *timer_body(void *arg)
{
    stage_wait(1);
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    return arg;
}

int main(void)
{
    pthread_mutex_init(&mutex, NULL);
    pthread_t t = spawn(timer_body, NULL);
    pthread_mutex_destroy(&mutex);
    stage_set(1);
    join(t);
    return 0;
}
