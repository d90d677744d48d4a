/* cancellation.c: threads cancelled in every kind of wait; their cleanup handlers find the locks they must find. */
#include "show.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static sem_t semaphore;
static atomic_int about_to_wait, may_end;

static void unlock_mutex(void *argument)
{
    printf("  cleanup: unlock %d\n", pthread_mutex_unlock(argument));
}

static void say(void *text)
{
    printf("  cleanup: %s\n", (char *)text);
}

static void *wait_condition(void *unused)
{
    pthread_mutex_lock(&mutex);
    pthread_cleanup_push(unlock_mutex, &mutex);
    about_to_wait = 1;
    for (;;)
        pthread_cond_wait(&condition, &mutex);
    pthread_cleanup_pop(1);
    return unused;
}

static void *wait_condition_timed(void *unused)
{
    struct timespec later = time_after_ms(CLOCK_REALTIME, 60000);
    pthread_mutex_lock(&mutex);
    pthread_cleanup_push(unlock_mutex, &mutex);
    about_to_wait = 1;
    while (pthread_cond_timedwait(&condition, &mutex, &later) == 0)
        ;
    pthread_cleanup_pop(1);
    return unused;
}

static void *wait_semaphore(void *unused)
{
    pthread_cleanup_push(say, "semaphore");
    about_to_wait = 1;
    sem_wait(&semaphore);
    pthread_cleanup_pop(1);
    return unused;
}

static void *wait_semaphore_timed(void *unused)
{
    struct timespec later = time_after_ms(CLOCK_REALTIME, 60000);
    pthread_cleanup_push(say, "timed semaphore");
    about_to_wait = 1;
    sem_timedwait(&semaphore, &later);
    pthread_cleanup_pop(1);
    return unused;
}

static void *stay(void *unused)
{
    while (!may_end)
        usleep(1000);
    return unused;
}

static void *wait_join(void *thread)
{
    pthread_cleanup_push(say, "join");
    about_to_wait = 1;
    pthread_join(*(pthread_t *)thread, NULL);
    pthread_cleanup_pop(1);
    return NULL;
}

static void *lock_uncancelled(void *unused)
{
    about_to_wait = 1;
    pthread_mutex_lock(&mutex); /* no cancellation point: the request stays pending */
    pthread_mutex_unlock(&mutex);
    puts("  went through the lock");
    pthread_testcancel();
    puts("  not reached");
    return unused;
}

static void *spin_asynchronously(void *unused)
{
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    pthread_cleanup_push(say, "asynchronous");
    about_to_wait = 1;
    for (;;)
        atomic_load(&about_to_wait);
    pthread_cleanup_pop(1);
    return unused;
}

static void cancel(const char *name, void *(*routine)(void *), void *argument)
{
    pthread_t thread;
    void *result = NULL;
    printf("-- %s\n", name);
    about_to_wait = 0;
    MUST(pthread_create(&thread, NULL, routine, argument) == 0);
    while (!about_to_wait)
        usleep(1000);
    MUST(pthread_cancel(thread) == 0);
    MUST(pthread_join(thread, &result) == 0);
    printf("  %s\n", result == PTHREAD_CANCELED ? "cancelled" : "not cancelled");
    SHOW(pthread_mutex_trylock(&mutex));
    SHOW(pthread_mutex_unlock(&mutex));
}

int main(void)
{
    pthread_t staying;
    void *result = NULL;
    sem_init(&semaphore, 0, 0);
    cancel("condition", wait_condition, NULL);
    cancel("timed condition", wait_condition_timed, NULL);
    cancel("semaphore", wait_semaphore, NULL);
    cancel("timed semaphore", wait_semaphore_timed, NULL);
    pthread_create(&staying, NULL, stay, NULL);
    cancel("join", wait_join, &staying);
    may_end = 1;
    SHOW(pthread_join(staying, &result));
    cancel("lock", lock_uncancelled, NULL);
    cancel("asynchronous", spin_asynchronously, NULL);
    sem_destroy(&semaphore);
    return 0;
}
