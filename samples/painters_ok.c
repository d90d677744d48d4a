/* expect: none */
/* The painters of painters_bug.c agree on one order, the pot before the brush.  Whoever has the pot can be sure that
 * nobody waits for the pot while keeping the brush, so somebody can always go on.
 */
#include "stage.h"
#include <pthread.h>

static pthread_mutex_t pot = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t brush = PTHREAD_MUTEX_INITIALIZER;

static void *paint_bedroom(void *unused)
{
    pthread_mutex_lock(&pot);
    pthread_mutex_lock(&brush);
    puts("the bedroom is painted");
    pthread_mutex_unlock(&brush);
    pthread_mutex_unlock(&pot);
    stage_advance();
    return unused;
}

static void *paint_kitchen(void *unused)
{
    stage_await(1);
    pthread_mutex_lock(&pot);
    pthread_mutex_lock(&brush);
    puts("the kitchen is painted");
    pthread_mutex_unlock(&pot); /* the order of unlocking does not matter */
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
    return 0;
}
