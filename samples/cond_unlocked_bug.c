/* expect: cond-wait-unlocked at=sleeper@wait */
/* The waiter does not hold the mutex that it hands to the wait.  Between its look at the variable and its wait anything
 * may happen, and the wait unlocks a mutex that somebody else may hold.  Mended in cond_unlocked_ok.c.
 */
#include "stage.h"
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t alarm_rings = PTHREAD_COND_INITIALIZER;
static atomic_int is_awake, rings;

static void *sleeper(void *unused)
{
    pthread_cond_wait(&alarm_rings, &lock); /* @wait */
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
