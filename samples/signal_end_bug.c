/* expect: signal-unsafe-lock at=on_signal@lock_in_handler */
/* The handler that ends the work locks a mutex that the work itself locks.  It runs once, last, and finds the mutex free, for the
 * signal came late enough.  Mended in signal_end_ok.c.
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
    printf("counted to %d\n", counter);
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
    sigaction(SIGTERM, &action, NULL);
    count();
    raise(SIGTERM);
    return 0;
}
