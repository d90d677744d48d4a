/* contended.c: threads that must wait for a lock whose holder sleeps, and locks that nobody waits for.
 *
 *   contended            ends by itself
 *   contended for-ever   says "ready" and goes on, without sleeping, until it is killed
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 20, THREADS = 3, QUIET_ROUNDS = 1000 };

static pthread_mutex_t hot = PTHREAD_MUTEX_INITIALIZER, quiet = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t waits = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t nested;
static pthread_rwlock_t read_mostly = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;

static void nap(void)
{
    const struct timespec ms = {0, 1000000};
    nanosleep(&ms, NULL);
}

static void *hammer(void *argument)
{
    for (;;) {
        pthread_mutex_lock(&hot);
        pthread_mutex_unlock(&hot);
        pthread_mutex_lock(&quiet);
        pthread_rwlock_rdlock(&read_mostly);
        pthread_rwlock_unlock(&read_mostly);
        pthread_mutex_unlock(&quiet);
    }
    return argument;
}

static void *work(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&hot);
        nap();
        pthread_mutex_unlock(&hot);
        pthread_rwlock_rdlock(&read_mostly);
        pthread_rwlock_unlock(&read_mostly);
    }
    return argument;
}

static void make_nested(void)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&nested, &attr);
    pthread_mutexattr_destroy(&attr);
}

static void use_alone(void)
{
    const struct timespec past = {1, 0};
    for (int i = 0; i < QUIET_ROUNDS; i++) {
        pthread_mutex_lock(&quiet);
        pthread_mutex_unlock(&quiet);
    }
    pthread_mutex_lock(&nested);
    pthread_mutex_lock(&nested);
    pthread_mutex_unlock(&nested);
    pthread_mutex_unlock(&nested);
    pthread_mutex_lock(&waits);
    pthread_cond_timedwait(&never, &waits, &past);
    pthread_mutex_unlock(&waits);
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    (void)argv;
    make_nested();
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, argc > 1 ? hammer : work, NULL);
    if (argc > 1) {
        puts("ready");
        fflush(stdout);
    } else {
        use_alone();
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return EXIT_SUCCESS;
}
