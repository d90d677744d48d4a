/* old_symbols.c: a program linked long ago, whose references name the first versions of these functions.  The old
 * condition variable is another structure, so handing it to the new functions would corrupt it. */
#include "show.h"
#include <pthread.h>
#include <semaphore.h>

__asm__(".symver pthread_create, pthread_create@GLIBC_2.2.5");
__asm__(".symver pthread_join, pthread_join@GLIBC_2.2.5");
__asm__(".symver pthread_cond_init, pthread_cond_init@GLIBC_2.2.5");
__asm__(".symver pthread_cond_wait, pthread_cond_wait@GLIBC_2.2.5");
__asm__(".symver pthread_cond_timedwait, pthread_cond_timedwait@GLIBC_2.2.5");
__asm__(".symver pthread_cond_signal, pthread_cond_signal@GLIBC_2.2.5");
__asm__(".symver pthread_cond_broadcast, pthread_cond_broadcast@GLIBC_2.2.5");
__asm__(".symver pthread_cond_destroy, pthread_cond_destroy@GLIBC_2.2.5");
__asm__(".symver pthread_once, pthread_once@GLIBC_2.2.5");
__asm__(".symver pthread_rwlock_wrlock, pthread_rwlock_wrlock@GLIBC_2.2.5");
__asm__(".symver pthread_rwlock_unlock, pthread_rwlock_unlock@GLIBC_2.2.5");

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t condition; /* in the old form: one pointer, zero at first */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int is_set, once_runs;

static void begin(void)
{
    once_runs++;
}

static void *set(void *unused)
{
    pthread_once(&once, begin);
    pthread_rwlock_wrlock(&rwlock);
    pthread_rwlock_unlock(&rwlock);
    pthread_mutex_lock(&mutex);
    is_set = 1;
    pthread_cond_broadcast(&condition);
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&mutex);
    return unused;
}

int main(void)
{
    pthread_t thread;
    struct timespec soon = time_after_ms(CLOCK_REALTIME, 5);
    SHOW(pthread_cond_init(&condition, NULL));
    SHOW(pthread_create(&thread, NULL, set, NULL));
    SHOW(pthread_mutex_lock(&mutex));
    while (!is_set)
        MUST(pthread_cond_wait(&condition, &mutex) == 0);
    SHOW(pthread_cond_timedwait(&condition, &mutex, &soon));
    SHOW(pthread_mutex_unlock(&mutex));
    SHOW(pthread_join(thread, NULL));
    SHOW(pthread_cond_destroy(&condition));
    printf("once %d\n", once_runs);
    return 0;
}
