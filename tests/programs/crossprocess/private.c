/* private.c: a mutex and a condition made for several processes, in memory of one alone: its hang is one of its own threads. */
/* expect: deadlock form=all-asleep at=wait_for_news@waits */
#include <pthread.h>
#include <stdlib.h>

#include "pair.h"

static struct news {
    pthread_mutex_t lock;
    pthread_cond_t told;
} * news;

static void *wait_for_news(void *unused)
{
    pthread_mutex_lock(&news->lock);
    pthread_cond_wait(&news->told, &news->lock); /* @waits */
    pthread_mutex_unlock(&news->lock);
    return unused;
}

int main(void)
{
    pthread_mutexattr_t mutexes;
    pthread_condattr_t conds;
    pthread_t thread;
    news = calloc(1, sizeof *news);
    check(news != NULL, "calloc");
    pthread_mutexattr_init(&mutexes);
    pthread_mutexattr_setpshared(&mutexes, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&news->lock, &mutexes);
    pthread_condattr_init(&conds);
    pthread_condattr_setpshared(&conds, PTHREAD_PROCESS_SHARED);
    pthread_cond_init(&news->told, &conds);
    alarm(10);
    pthread_create(&thread, NULL, wait_for_news, NULL);
    pthread_join(thread, NULL);
    return 0;
}
