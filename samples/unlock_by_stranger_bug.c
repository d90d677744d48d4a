/* expect: unlock-not-owned at=finisher@unlock */
/* One thread locks, another unlocks, as a way of saying "done".  A mutex belongs to the thread that locked it; POSIX
 * leaves the rest undefined, and an error-checking mutex refuses.  Mended in unlock_by_stranger_ok.c with a semaphore,
 * which is made for this.
 */
#include "stage.h"
#include <pthread.h>

static pthread_mutex_t done = PTHREAD_MUTEX_INITIALIZER;

static void *starter(void *unused)
{
    pthread_mutex_lock(&done);
    stage_advance();
    stage_await(2); /* still alive while the other unlocks */
    return unused;
}

static void *finisher(void *unused)
{
    stage_await(1);
    pthread_mutex_unlock(&done); /* @unlock */
    stage_advance();
    return unused;
}

int main(void)
{
    pthread_t a, b;
    pthread_create(&a, NULL, starter, NULL);
    pthread_create(&b, NULL, finisher, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    puts("done");
    return 0;
}
