/* expect: lock-order-inversion */
/* across: processes */
/* Shared semaphore: two of value 1, used as locks, taken by parent and child in opposite orders. */
#include "shared.h"

struct pair {
    sem_t first, second;
};

static void take(sem_t *a, sem_t *b)
{
    for (int i = 0; i < 3; i++) {
        sem_wait(a);
        sem_wait(b);
        sem_post(b);
        sem_post(a);
    }
}

static void child(void *arg)
{
    struct pair *p = arg;
    stage_wait(1);
    take(&p->second, &p->first);
}

int main(void)
{
    struct pair *p = shared_memory(sizeof(*p));
    must(sem_init(&p->first, 1, 1) == 0 && sem_init(&p->second, 1, 1) == 0);
    pid_t pid = shared_child(child, p);
    take(&p->first, &p->second);
    stage_set(1);
    shared_child_end(pid);
    return 0;
}
