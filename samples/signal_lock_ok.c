/* expect: none */
/* The signal is kept away while the lock is held, so the handler can never interrupt the critical section.  (Better
 * still: set a flag in the handler and lock nothing there.)  The bug is in signal_lock_bug.c.
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
    pthread_mutex_lock(&counter_lock);
    counter++;
    pthread_mutex_unlock(&counter_lock);
}

static void count(void)
{
    sigset_t usr1, before;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &usr1, &before);
    pthread_mutex_lock(&counter_lock);
    counter++;
    pthread_mutex_unlock(&counter_lock);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
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
