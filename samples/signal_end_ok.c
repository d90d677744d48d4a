/* expect: none */
/* The work is done before the handler is there, so that no signal can find the mutex locked.  The bug is in signal_end_bug.c.
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
    count();
    sigaction(SIGTERM, &action, NULL);
    raise(SIGTERM);
    return 0;
}
