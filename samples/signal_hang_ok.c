/* expect: none */
/* The handler only counts in an atomic, which needs no lock; the rest is done where no signal interrupts.  The bug is
 * in signal_hang_bug.c.
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
    atomic_fetch_add(&signals, 1);
    (void)number;
}

int main(void)
{
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
