/* expect: lock-order-inversion at=move@target_second at=move_back@source_second */
/* Two moves in opposite directions, each of which insists on its second lock.  Mended in trylock_backoff_ok.c. */
#include "stage.h"
#include <pthread.h>

static pthread_mutex_t source = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t target = PTHREAD_MUTEX_INITIALIZER;
static int here = 5, there;

static void *move(void *unused)
{
    pthread_mutex_lock(&source);
    pthread_mutex_lock(&target); /* @target_second */
    here--;
    there++;
    pthread_mutex_unlock(&target);
    pthread_mutex_unlock(&source);
    stage_advance();
    return unused;
}

static void *move_back(void *unused)
{
    stage_await(1);
    pthread_mutex_lock(&target);
    pthread_mutex_lock(&source); /* @source_second */
    here++;
    there--;
    pthread_mutex_unlock(&source);
    pthread_mutex_unlock(&target);
    return unused;
}

int main(void)
{
    pthread_t a, b;
    pthread_create(&a, NULL, move, NULL);
    pthread_create(&b, NULL, move_back, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    printf("%d here, %d there\n", here, there);
    return 0;
}
