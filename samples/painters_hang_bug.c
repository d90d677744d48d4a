/* expect: deadlock form=cycle at=paint_bedroom@wants_brush at=paint_kitchen@wants_pot */
/* may: lock-order-inversion */
/* The unlucky run of painters_bug.c: each painter has his first tool in hand before either asks for the second.  From
 * there nobody can ever go on.  Mended in painters_hang_ok.c.
 */
#include "stage.h"
#include <pthread.h>

static pthread_mutex_t pot = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t brush = PTHREAD_MUTEX_INITIALIZER;

static void *paint_bedroom(void *unused)
{
    pthread_mutex_lock(&pot);
    stage_advance();
    stage_await(2);
    pthread_mutex_lock(&brush); /* @wants_brush */
    pthread_mutex_unlock(&brush);
    pthread_mutex_unlock(&pot);
    return unused;
}

static void *paint_kitchen(void *unused)
{
    pthread_mutex_lock(&brush);
    stage_advance();
    stage_await(2);
    pthread_mutex_lock(&pot); /* @wants_pot */
    pthread_mutex_unlock(&pot);
    pthread_mutex_unlock(&brush);
    return unused;
}

int main(void)
{
    alarm(10); /* ends the hang when nothing else does */
    pthread_t bedroom, kitchen;
    pthread_create(&bedroom, NULL, paint_bedroom, NULL);
    pthread_create(&kitchen, NULL, paint_kitchen, NULL);
    pthread_join(bedroom, NULL);
    pthread_join(kitchen, NULL);
    puts("never printed");
    return 0;
}
