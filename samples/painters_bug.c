/* expect: lock-order-inversion at=paint_bedroom@brush_second at=paint_kitchen@paint_second */
/* Two painters share one brush and one pot of paint.  One takes the pot first, the other the brush.  When each has
 * taken his first tool, both wait for ever for the second.  This run is lucky: the kitchen waits until the bedroom
 * is done, so nothing hangs.  The danger is in the order of the calls, and the order can be seen in a lucky run too.
 * Mended in painters_ok.c: both take the pot first.
 */
#include "stage.h"
#include <pthread.h>

static pthread_mutex_t pot = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t brush = PTHREAD_MUTEX_INITIALIZER;

static void *paint_bedroom(void *unused)
{
    pthread_mutex_lock(&pot);
    pthread_mutex_lock(&brush); /* @brush_second */
    puts("the bedroom is painted");
    pthread_mutex_unlock(&brush);
    pthread_mutex_unlock(&pot);
    stage_advance();
    return unused;
}

static void *paint_kitchen(void *unused)
{
    stage_await(1);
    pthread_mutex_lock(&brush);
    pthread_mutex_lock(&pot); /* @paint_second */
    puts("the kitchen is painted");
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
    return 0;
}
