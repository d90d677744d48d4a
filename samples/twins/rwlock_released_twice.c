/* expect: rwlock-unlock-not-held */
/* may: lock-held-at-thread-exit */
/* RWLock: a thread releases what it has not acquired, and so takes another reader's hold away. */
#include "twin.h"

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

static void *reader(void *arg)
{
    pthread_rwlock_rdlock(&lock);
    stage_set(1);
    stage_wait(2);
    return arg;
}

int main(void)
{
    pthread_t t = spawn(reader, NULL);
    stage_wait(1);
    pthread_rwlock_unlock(&lock);
    stage_set(2);
    join(t);
    return 0;
}
