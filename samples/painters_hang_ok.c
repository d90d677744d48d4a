/* expect: none */
/* The painters of painters_hang_bug.c, who take the second tool only when it is free and otherwise put the first one
 * back.  Nobody waits while holding something, which is one of the four conditions a deadlock needs.
 */
#include "stage.h"
#include <pthread.h>

static pthread_mutex_t pot = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t brush = PTHREAD_MUTEX_INITIALIZER;

static void take_both(pthread_mutex_t *first, pthread_mutex_t *second)
{
    pthread_mutex_lock(first);
    while (pthread_mutex_trylock(second) != 0) {
        pthread_mutex_unlock(first);
        sched_yield();
        pthread_mutex_lock(first);
    }
}

static void *paint_bedroom(void *unused)
{
    take_both(&pot, &brush);
    pthread_mutex_unlock(&brush);
    pthread_mutex_unlock(&pot);
    return unused;
}

static void *paint_kitchen(void *unused)
{
    take_both(&brush, &pot);
    pthread_mutex_unlock(&pot);
    pthread_mutex_unlock(&brush);
    return unused;
}

int main(void)
{
    pthread_t bedroom, kitchen;
    pthread_create(&bedroom, NULL, paint_bedroom, NULL);
    pthread_create(&kitchen, NULL, paint_kitchen, NULL);
    pthread_join(bedroom, NULL);
    pthread_join(kitchen, NULL);
    puts("both rooms are painted");
    return 0;
}
