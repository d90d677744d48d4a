/* expect: join-self */
/* Executor: a task shuts its own pool down and waits for all workers. */
#include "twin.h"

static _Atomic pthread_t workers[1];

static void shut_down(void)
{
    pthread_join(workers[0], NULL);
}

static void *worker(void *arg)
{
    stage_wait(1);
    shut_down();
    return arg;
}

int main(void)
{
    workers[0] = spawn(worker, NULL);
    stage_set(1);
    join(workers[0]);
    return 0;
}
