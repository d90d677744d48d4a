/* expect: invalid-object at=enter@wrong_call */
/* The field is a read-write lock; through a pointer to void it is locked as a mutex, which has another shape.  Mended
 * in wrong_kind_ok.c.
 */
#include <pthread.h>
#include <stdio.h>

static pthread_rwlock_t room = PTHREAD_RWLOCK_INITIALIZER;

static void enter(void *lock)
{
    pthread_mutex_trylock(lock); /* @wrong_call */
    puts("inside");
}

int main(void)
{
    pthread_rwlock_rdlock(&room);
    pthread_rwlock_unlock(&room);
    enter(&room);
    return 0;
}
