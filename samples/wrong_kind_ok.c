/* expect: none */
/* The pointer has the type of what it points to, and the compiler checks the rest.  The bug is in wrong_kind_bug.c. */
#include <pthread.h>
#include <stdio.h>

static pthread_rwlock_t room = PTHREAD_RWLOCK_INITIALIZER;

static void enter(pthread_rwlock_t *lock)
{
    pthread_rwlock_wrlock(lock);
    pthread_rwlock_unlock(lock);
    puts("inside");
}

int main(void)
{
    pthread_rwlock_rdlock(&room);
    pthread_rwlock_unlock(&room);
    enter(&room);
    return 0;
}
