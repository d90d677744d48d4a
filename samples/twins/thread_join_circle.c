/* expect: deadlock form=join */
/* options: --on-deadlock=exit */
/* Thread: two that wait for each other's end. */
#include "twin.h"

static _Atomic pthread_t threads[2];

static void *body(void *arg)
{
    stage_wait(1);
    pthread_join(threads[arg == NULL], NULL);
    return arg;
}

int main(void)
{
    threads[0] = spawn(body, NULL);
    threads[1] = spawn(body, &threads);
    stage_set(1);
    pthread_exit(NULL);
}
