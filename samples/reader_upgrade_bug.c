/* expect: deadlock form=self at=lookup@upgrade */
/* A reader that finds nothing wants to write, and asks for the write lock while it still holds the read lock.  The
 * writer waits until all readers have left, and one of them is itself.  Mended in reader_upgrade_ok.c: leave, take the
 * write lock, and look again, since somebody else may have come between.
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static pthread_rwlock_t cache_lock = PTHREAD_RWLOCK_INITIALIZER;
static int cached;

static int lookup(void)
{
    pthread_rwlock_rdlock(&cache_lock);
    if (cached == 0) {
        pthread_rwlock_wrlock(&cache_lock); /* @upgrade */
        cached = 42;
    }
    int found = cached;
    pthread_rwlock_unlock(&cache_lock);
    return found;
}

int main(void)
{
    alarm(10); /* ends the hang when nothing else does */
    printf("found %d\n", lookup());
    return 0;
}
