/* options: --checks=default,cond-signal-unlocked */
/* expect: cond-signal-unlocked at=finish@signal */
/* The state changes and the signal goes out without the mutex: between the waiter's test and its wait, both can slip
 * through unseen.  Signalling without the mutex is legal, and often harmless when the change itself was made under it,
 * so this check must be asked for.  Mended in signal_unlocked_ok.c.
 */
#include "stage.h"
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t done = PTHREAD_COND_INITIALIZER;
static atomic_int is_done, waiter_tid;

static void *finish(void *unused)
{
    stage_await_asleep(&waiter_tid); /* here the waiter sleeps already: no harm in this run */
    is_done = 1;
    pthread_cond_signal(&done); /* @signal */
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
