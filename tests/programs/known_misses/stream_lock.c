/* miss: printf takes the lock of its stream inside libc, by a call that no preloaded library sees; only flockfile() itself
 * is visible. */
/* expect: lock-order-inversion at=log_line@print at=dump@lock */
#include "../../../samples/stage.h"
#include <pthread.h>

static pthread_mutex_t table = PTHREAD_MUTEX_INITIALIZER;

static void *log_line(void *unused)
{
    pthread_mutex_lock(&table);
    fputs("one line\n", stdout); /* @print */
    pthread_mutex_unlock(&table);
    stage_advance();
    return unused;
}

static void *dump(void *unused)
{
    stage_await(1);
    flockfile(stdout);
    pthread_mutex_lock(&table); /* @lock */
    pthread_mutex_unlock(&table);
    funlockfile(stdout);
    return unused;
}

int main(void)
{
    pthread_t threads[2];
    pthread_create(&threads[0], NULL, log_line, NULL);
    pthread_create(&threads[1], NULL, dump, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
