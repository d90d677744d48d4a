/* expect: lock-order-inversion */
/* RWLock: two of them written in opposite orders. */
#include "twin.h"

static pthread_rwlock_t map = PTHREAD_RWLOCK_INITIALIZER, list = PTHREAD_RWLOCK_INITIALIZER;

static void *one_way(void *arg)
{
    pthread_rwlock_wrlock(&map);
    pthread_rwlock_wrlock(&list);
    pthread_rwlock_unlock(&list);
    pthread_rwlock_unlock(&map);
    stage_set(1);
    return arg;
}

static void *other_way(void *arg)
{
    stage_wait(1);
    pthread_rwlock_wrlock(&list);
    pthread_rwlock_wrlock(&map);
    pthread_rwlock_unlock(&map);
    pthread_rwlock_unlock(&list);
    return arg;
}

int main(void)
{
    run_two(one_way, other_way);
    return 0;
}
