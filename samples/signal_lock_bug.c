/* expect: signal-unsafe-lock at=on_signal@lock_in_handler */
/* The handler locks a mutex that the interrupted code locks too.  When the signal comes inside the critical section,
 * the thread waits for itself; here it comes just outside, which is luck.  Mended in signal_lock_ok.c.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t counter_lock = PTHREAD_MUTEX_INITIALIZER;
static int counter;

static void on_signal(int number)
{
    (void)number;
    pthread_mutex_lock(&counter_lock); /* @lock_in_handler */
    counter++;
    pthread_mutex_unlock(&counter_lock);
}

static void count(void)
{
    pthread_mutex_lock(&counter_lock);
    counter++;
    pthread_mutex_unlock(&counter_lock);
}

int main(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigaction(SIGUSR1, &action, NULL);
    count();
    raise(SIGUSR1);
    count();
    printf("counted to %d\n", counter);
    return 0;
}
