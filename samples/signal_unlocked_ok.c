/* options: --checks=default,cond-signal-unlocked */
/* expect: none */
/* The state changes under the mutex and so does the signal.  The bug is in signal_unlocked_bug.c. */
#include "stage.h"
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t done = PTHREAD_COND_INITIALIZER;
static atomic_int is_done, waiter_tid;

static void *finish(void *unused)
{
    stage_await_asleep(&waiter_tid); /* here the waiter sleeps already: no harm in this run */
    pthread_mutex_lock(&lock);
    is_done = 1;
    pthread_cond_signal(&done);
    pthread_mutex_unlock(&lock);
    return unused;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, finish, NULL);
    pthread_mutex_lock(&lock);
    stage_announce(&waiter_tid);
    while (!is_done)
        pthread_cond_wait(&done, &lock);
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
    puts("done");
    return 0;
}
