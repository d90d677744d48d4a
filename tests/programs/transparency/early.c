/* early.c: a library that locks, waits and creates a thread in its constructor, before the program's and perhaps before a
 * checker's own. */
#include <pthread.h>
#include <semaphore.h>

int early_count(void);

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static sem_t semaphore;
static int count;

static void count_once(void)
{
    count += 100;
}

static void *run(void *unused)
{
    pthread_mutex_lock(&mutex);
    count++;
    pthread_mutex_unlock(&mutex);
    sem_post(&semaphore);
    return unused;
}

__attribute__((constructor(101))) static void begin(void)
{
    pthread_t thread;
    sem_init(&semaphore, 0, 0);
    pthread_once(&once, count_once);
    pthread_mutex_lock(&mutex);
    pthread_create(&thread, NULL, run, NULL);
    count++;
    pthread_mutex_unlock(&mutex);
    sem_wait(&semaphore);
    pthread_rwlock_wrlock(&rwlock);
    pthread_rwlock_unlock(&rwlock);
    pthread_join(thread, NULL);
}

__attribute__((destructor(101))) static void end(void)
{
    pthread_mutex_lock(&mutex);
    count++;
    pthread_mutex_unlock(&mutex);
    sem_destroy(&semaphore);
}

__attribute__((visibility("default"))) int early_count(void)
{
    pthread_mutex_lock(&mutex);
    int now = count;
    pthread_mutex_unlock(&mutex);
    return now;
}
