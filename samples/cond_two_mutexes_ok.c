/* expect: none */
/* One condition variable, one mutex, for all who wait.  The bug is in cond_two_mutexes_bug.c. */
#include "stage.h"
#include <pthread.h>

static pthread_mutex_t locks[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static pthread_cond_t opened = PTHREAD_COND_INITIALIZER;
static atomic_int is_open, inside;
static atomic_int tids[2];

static void wait_with(pthread_mutex_t *lock, atomic_int *tid)
{
    pthread_mutex_lock(lock);
    stage_announce(tid);
    while (!is_open)
        pthread_cond_wait(&opened, lock);
    pthread_mutex_unlock(lock);
    inside++;
}

static void *left_door(void *unused)
{
    wait_with(&locks[0], &tids[0]);
    return unused;
}

static void *right_door(void *unused)
{
    stage_await_asleep(&tids[0]);
    wait_with(&locks[0], &tids[1]);
    return unused;
}

int main(void)
{
    pthread_t a, b;
    pthread_create(&a, NULL, left_door, NULL);
    pthread_create(&b, NULL, right_door, NULL);
    stage_await_asleep(&tids[1]);
    pthread_mutex_lock(&locks[0]);
    is_open = 1;
    pthread_cond_broadcast(&opened);
    pthread_mutex_unlock(&locks[0]);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    printf("%d inside\n", inside);
    return 0;
}
