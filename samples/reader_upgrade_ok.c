/* expect: none */
/* The upgrade done rightly: give the read lock back first, then take the write lock and look a second time, for another
 * thread may have filled the cache in between.  The bug is in reader_upgrade_bug.c.
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
        pthread_rwlock_unlock(&cache_lock);
        pthread_rwlock_wrlock(&cache_lock);
        if (cached == 0)
            cached = 42;
    }
    int found = cached;
    pthread_rwlock_unlock(&cache_lock);
    return found;
}

int main(void)
{
    printf("found %d\n", lookup());
    return 0;
}
