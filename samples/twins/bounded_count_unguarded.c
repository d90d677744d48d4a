/* expect: needs-weaving */
/* miss: a post orders all that was done before it before the next wait, so most runs have an order by chance */
/* BoundedSemaphore: the bound is checked on a plain count outside any lock. */
#include <semaphore.h>

#include "twin.h"

static sem_t permits;
static int in_use;

static void *body(void *arg)
{
    for (int i = 0; i < 10000; i++) {
        sem_wait(&permits);
        in_use++;
        if (--in_use < 0)
            abort();
        sem_post(&permits);
    }
    return arg;
}

int main(void)
{
    must(sem_init(&permits, 0, 2) == 0);
    run_two(body, body);
    return 0;
}
