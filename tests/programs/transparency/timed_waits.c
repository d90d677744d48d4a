/* timed_waits.c: a timed wait waits at least as long as asked, on the clock that was asked, and may be ended early. */
#include "show.h"
#include <pthread.h>
#include <semaphore.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition;
static sem_t semaphore;
static int is_set;

static long now_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void *end_waits(void *unused)
{
    pthread_mutex_lock(&mutex);
    is_set = 1;
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&mutex);
    sem_post(&semaphore);
    return unused;
}

int main(void)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&condition, &attributes);
    sem_init(&semaphore, 0, 0);

    long begin = now_ms(CLOCK_MONOTONIC);
    struct timespec end = time_after_ms(CLOCK_MONOTONIC, 60);
    pthread_mutex_lock(&mutex);
    int status = 0;
    while (status == 0)
        status = pthread_cond_timedwait(&condition, &mutex, &end);
    MUST(status == ETIMEDOUT && now_ms(CLOCK_MONOTONIC) - begin >= 59);
    pthread_mutex_unlock(&mutex);

    begin = now_ms(CLOCK_MONOTONIC);
    end = time_after_ms(CLOCK_REALTIME, 60);
    MUST(sem_timedwait(&semaphore, &end) == -1 && errno == ETIMEDOUT);
    MUST(now_ms(CLOCK_MONOTONIC) - begin >= 50); /* the real-time clock may be adjusted a little */

    pthread_t thread;
    pthread_create(&thread, NULL, end_waits, NULL);
    end = time_after_ms(CLOCK_MONOTONIC, 60000);
    pthread_mutex_lock(&mutex);
    while (!is_set)
        MUST(pthread_cond_timedwait(&condition, &mutex, &end) == 0);
    pthread_mutex_unlock(&mutex);
    end = time_after_ms(CLOCK_REALTIME, 60000);
    MUST(sem_timedwait(&semaphore, &end) == 0);
    pthread_join(thread, NULL);
    sem_destroy(&semaphore);
    pthread_cond_destroy(&condition);
    puts("waited as asked");
    return 0;
}
