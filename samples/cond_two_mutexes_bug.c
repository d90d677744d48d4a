/* expect: cond-two-mutexes at=wait_with@wait */
/* Two threads wait on one condition variable at the same time, each with a mutex of its own.  POSIX leaves that
 * undefined, and no mutex protects the state from both.  Mended in cond_two_mutexes_ok.c.
 */
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
        pthread_cond_wait(&opened, lock); /* @wait */
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
    wait_with(&locks[1], &tids[1]);
    return unused;
}

int main(void)
{
    pthread_t a, b;
    pthread_create(&a, NULL, left_door, NULL);
    pthread_create(&b, NULL, right_door, NULL);
    stage_await_asleep(&tids[1]);
    is_open = 1;
    while (inside < 2) { /* without a common mutex one broadcast may be lost */
        pthread_cond_broadcast(&opened);
        sched_yield();
    }
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    printf("%d inside\n", inside);
    return 0;
}
