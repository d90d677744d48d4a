/* expect: none */
/* The waiter is joined before the condition variable goes.  The bug is in cond_destroy_waiters_bug.c. */
#include "stage.h"
#include <pthread.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news;
static atomic_int waiter_tid;

static void *waiter(void *unused)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 1;
    pthread_mutex_lock(&lock);
    stage_announce(&waiter_tid);
    while (pthread_cond_timedwait(&news, &lock, &end) == 0)
        ;
    pthread_mutex_unlock(&lock);
    return unused;
}

int main(void)
{
    pthread_t thread;
    pthread_cond_init(&news, NULL);
    pthread_create(&thread, NULL, waiter, NULL);
    stage_await_asleep(&waiter_tid);
    pthread_join(thread, NULL);
    pthread_cond_destroy(&news);
    puts("no news");
    return 0;
}
