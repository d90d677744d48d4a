/* miss: a thread that wakes by a time limit, looks and waits again can in principle change its mind, so a process with
 * one is never called asleep for good; that this one only looks cannot be known. */
/* expect: deadlock form=all-asleep at=poll@wait */
#include "../../../samples/stage.h"
#include <pthread.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static int has_news;

static void *poll(void *unused)
{
    pthread_mutex_lock(&lock);
    for (int i = 0; i < 20 && !has_news; i++) { /* for ever, in a real program */
        struct timespec end;
        clock_gettime(CLOCK_REALTIME, &end);
        end.tv_nsec += 10 * 1000 * 1000;
        end.tv_sec += end.tv_nsec / 1000000000;
        end.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&news, &lock, &end); /* @wait */
    }
    pthread_mutex_unlock(&lock);
    return unused;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, poll, NULL);
    pthread_join(thread, NULL);
    return 0;
}
