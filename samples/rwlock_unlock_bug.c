/* expect: rwlock-unlock-not-held at=look_up@unlock */
/* The reader gives up when the lock is busy, and unlocks all the same: it takes away a hold that belongs to another
 * thread. Mended in rwlock_unlock_ok.c.
 */
#include "stage.h"
#include <pthread.h>

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

static void *writer(void *unused)
{
    pthread_rwlock_wrlock(&lock);
    stage_advance();
    stage_await(2);
    return unused;
}

static void *look_up(void *unused)
{
    stage_await(1);
    if (pthread_rwlock_tryrdlock(&lock) == 0)
        puts("found");
    pthread_rwlock_unlock(&lock); /* @unlock */
    stage_advance();
    return unused;
}

int main(void)
{
    pthread_t a, b;
    pthread_create(&a, NULL, writer, NULL);
    pthread_create(&b, NULL, look_up, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    puts("done");
    return 0;
}
