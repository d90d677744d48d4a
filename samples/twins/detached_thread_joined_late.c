/* expect: double-join */
/* Thread: joined when it had been detached, and had ended. */
#include "twin.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

static _Atomic pid_t number;

static void *body(void *arg)
{
    number = gettid();
    stage_set(1);
    stage_wait(2);
    return arg;
}

int main(void)
{
    pthread_t t = spawn(body, NULL);
    stage_wait(1);
    must(pthread_detach(t) == 0);
    stage_set(2);
    while (tgkill(getpid(), number, 0) == 0 || errno != ESRCH)
        sched_yield();
    pthread_join(t, NULL);
    return 0;
}
