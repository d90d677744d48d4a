/* expect: deadlock form=all-asleep */
/* Condition: two threads wait for the same change and only one of them is told. */
#include "twin.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int open, waiting;

static void *wait_for_gate(void *arg)
{
    pthread_mutex_lock(&mutex);
    waiting++;
    while (!open)
        pthread_cond_wait(&cond, &mutex);
    pthread_mutex_unlock(&mutex);
    return arg;
}

static int both_wait(void)
{
    pthread_mutex_lock(&mutex);
    int n = waiting;
    pthread_mutex_unlock(&mutex);
    return n == 2;
}

int main(void)
{
    pthread_t a = spawn(wait_for_gate, NULL), b = spawn(wait_for_gate, NULL);
    while (!both_wait())
        sched_yield();
    pthread_mutex_lock(&mutex);
    open = 1;
    pthread_cond_signal(&cond);
    pthread_mutex_unlock(&mutex);
    join(a);
    join(b);
    return 0;
}
