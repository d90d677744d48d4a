/* expect: signal-unsafe-lock at=on_signal@lock_in_handler */
/* may: deadlock */
/* The unlucky run of signal_lock_bug.c: the signal arrives while the interrupted code holds the mutex that the handler
 * wants, and the thread waits for itself.  Mended in signal_hang_ok.c.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t counter_lock = PTHREAD_MUTEX_INITIALIZER;
static int counter;
static atomic_int signals;

static void on_signal(int number)
{
    pthread_mutex_lock(&counter_lock); /* @lock_in_handler */
    counter++;
    pthread_mutex_unlock(&counter_lock);
    (void)number;
}

int main(void)
{
    alarm(2); /* ends the hang when nothing else does */
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigaction(SIGUSR1, &action, NULL);
    pthread_mutex_lock(&counter_lock);
    raise(SIGUSR1);
    counter += signals;
    pthread_mutex_unlock(&counter_lock);
    printf("counted to %d\n", counter);
    return 0;
}
