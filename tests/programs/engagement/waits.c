/* Condition variables in both versions, barriers, once, semaphores. */
#include "engage.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const struct timespec past = {1, 0};

/* ---- condition variables ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static bool is_told;

static void *tell(void *signal_function)
{
    pthread_mutex_lock(&mutex);
    is_told = true;
    ((__typeof__(pthread_cond_signal) *)signal_function)(&cond);
    pthread_mutex_unlock(&mutex);
    return NULL;
}

/* Waits until another thread has signalled, by the two functions of one version. */
static void wait_until_told(const char *version)
{
    FOUND(pthread_cond_wait, pthread_cond_wait, version);
    pthread_t thread;
    pthread_mutex_lock(&mutex);
    pthread_create(&thread, NULL, tell, engage_find("pthread_cond_signal", version));
    begin();
    while (!is_told)
        pthread_cond_wait_found(&cond, &mutex);
    pthread_mutex_unlock(&mutex);
    pthread_join(thread, NULL);
}

static void wait_for_past(const char *version)
{
    FOUND(pthread_cond_timedwait, pthread_cond_timedwait, version);
    pthread_mutex_lock(&mutex);
    begin();
    pthread_cond_timedwait_found(&cond, &mutex, &past);
}

#define COND_ENGAGEMENTS(tag, version)                                                                                 \
    ENGAGE(cond_init_##tag, "pthread_cond_init@" version, "event init")                                                \
    {                                                                                                                  \
        FOUND(pthread_cond_init, pthread_cond_init, version);                                                          \
        begin();                                                                                                       \
        pthread_cond_init_found(&cond, NULL);                                                                          \
    }                                                                                                                  \
    ENGAGE(cond_destroy_##tag, "pthread_cond_destroy@" version, "event destroy")                                       \
    {                                                                                                                  \
        FOUND(pthread_cond_destroy, pthread_cond_destroy, version);                                                    \
        begin();                                                                                                       \
        pthread_cond_destroy_found(&cond);                                                                             \
    }                                                                                                                  \
    ENGAGE(cond_wait_##tag, "pthread_cond_wait@" version, "event wake")                                                \
    {                                                                                                                  \
        wait_until_told(version);                                                                                      \
    }                                                                                                                  \
    ENGAGE(cond_timedwait_##tag, "pthread_cond_timedwait@" version, "event wait timed")                                \
    {                                                                                                                  \
        wait_for_past(version);                                                                                        \
    }                                                                                                                  \
    ENGAGE(cond_signal_##tag, "pthread_cond_signal@" version, "event signal")                                          \
    {                                                                                                                  \
        FOUND(pthread_cond_signal, pthread_cond_signal, version);                                                      \
        begin();                                                                                                       \
        pthread_cond_signal_found(&cond);                                                                              \
    }                                                                                                                  \
    ENGAGE(cond_broadcast_##tag, "pthread_cond_broadcast@" version, "event broadcast")                                 \
    {                                                                                                                  \
        FOUND(pthread_cond_broadcast, pthread_cond_broadcast, version);                                                \
        begin();                                                                                                       \
        pthread_cond_broadcast_found(&cond);                                                                           \
    }

COND_ENGAGEMENTS(new, "GLIBC_2.3.2")
COND_ENGAGEMENTS(old, "GLIBC_2.2.5")

ENGAGE(cond_clockwait, "pthread_cond_clockwait", "event wait timed")
{
    pthread_mutex_lock(&mutex);
    begin();
    pthread_cond_clockwait(&cond, &mutex, CLOCK_MONOTONIC, &past);
}

/* ---- barriers ---- */

static pthread_barrier_t barrier;

ENGAGE(barrier_init, "pthread_barrier_init", "event init barrier")
{
    begin();
    pthread_barrier_init(&barrier, NULL, 1);
}

ENGAGE(barrier_destroy, "pthread_barrier_destroy", "event destroy")
{
    pthread_barrier_init(&barrier, NULL, 1);
    begin();
    pthread_barrier_destroy(&barrier);
}

ENGAGE(barrier_wait, "pthread_barrier_wait", "event leave")
{
    pthread_barrier_init(&barrier, NULL, 1);
    begin();
    pthread_barrier_wait(&barrier);
}

/* ---- once ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void do_nothing(void)
{
}

ENGAGE(once, "pthread_once", "event oncedone")
{
    begin();
    pthread_once(&once, do_nothing);
}

ENGAGE(old_once, "__pthread_once", "event oncedone")
{
    FOUND(pthread_once, __pthread_once, NULL);
    begin();
    __pthread_once_found(&once, do_nothing);
}

/* ---- semaphores ---- */

static sem_t sem;

ENGAGE(sem_init, "sem_init", "event init count=7")
{
    begin();
    sem_init(&sem, 0, 7);
}

ENGAGE(sem_destroy, "sem_destroy", "event destroy")
{
    sem_init(&sem, 0, 1);
    begin();
    sem_destroy(&sem);
}

ENGAGE(sem_wait, "sem_wait", "event semreq")
{
    sem_init(&sem, 0, 1);
    begin();
    sem_wait(&sem);
}

ENGAGE(sem_trywait, "sem_trywait", "event semacq try")
{
    sem_init(&sem, 0, 1);
    begin();
    sem_trywait(&sem);
}

ENGAGE(sem_timedwait, "sem_timedwait", "event semreq timed")
{
    sem_init(&sem, 0, 1);
    begin();
    sem_timedwait(&sem, &past);
}

ENGAGE(sem_clockwait, "sem_clockwait", "event semreq timed")
{
    sem_init(&sem, 0, 1);
    begin();
    sem_clockwait(&sem, CLOCK_MONOTONIC, &past);
}

ENGAGE(sem_post, "sem_post", "event sempost")
{
    sem_init(&sem, 0, 0);
    begin();
    sem_post(&sem);
}

static sem_t *open_named(const char *version)
{
    FOUND(sem_open, sem_open, version);
    char name[64];
    snprintf(name, sizeof name, "/lockhound-engage-%ld", (long)getpid());
    begin();
    sem_t *named = sem_open_found(name, O_CREAT | O_EXCL, 0600, 3u);
    sem_unlink(name);
    return named;
}

ENGAGE(sem_open_old, "sem_open@GLIBC_2.2.5", "event init count=3")
{
    open_named("GLIBC_2.2.5");
}

ENGAGE(sem_open, "sem_open@GLIBC_2.34", "event init count=3")
{
    open_named("GLIBC_2.34");
}

ENGAGE(sem_open_new, "sem_open@GLIBC_2.43", "event init count=3")
{
    open_named("GLIBC_2.43");
}

ENGAGE(sem_close, "sem_close", "event destroy")
{
    sem_close(open_named(NULL));
}

ENGAGE(sem_unlink, "sem_unlink", "bound")
{
    begin();
    sem_unlink("/lockhound-engage-nobody");
}
