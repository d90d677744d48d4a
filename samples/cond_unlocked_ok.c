/* expect: none */
/* Lock, test, wait, unlock.  The bug is in cond_unlocked_bug.c. */
#include "stage.h"
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t alarm_rings = PTHREAD_COND_INITIALIZER;
static atomic_int is_awake, rings;

static void *sleeper(void *unused)
{
    pthread_mutex_lock(&lock);
    while (rings == 0)
        pthread_cond_wait(&alarm_rings, &lock);
    pthread_mutex_unlock(&lock);
    is_awake = 1;
    return unused;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, sleeper, NULL);
    while (!is_awake) { /* an alarm clock that does not give up */
        rings++;
        pthread_cond_signal(&alarm_rings);
        sched_yield();
    }
    pthread_join(thread, NULL);
    puts("good morning");
    return 0;
}
