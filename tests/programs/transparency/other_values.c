/* other_values.c: what the calls on rwlocks, spin locks, conditions, barriers, semaphores and threads return in each
 * case. */
#include "show.h"
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spinlock;
static sem_t semaphore;
static atomic_int may_end;

static void in_other_thread(void *(*routine)(void *))
{
    pthread_t thread;
    pthread_create(&thread, NULL, routine, NULL);
    pthread_join(thread, NULL);
}

static void *ask_rwlock(void *unused)
{
    struct timespec soon = time_after_ms(CLOCK_REALTIME, 5), monotonic = time_after_ms(CLOCK_MONOTONIC, 5);
    struct timespec wrong = {0, -1};
    SHOW(pthread_rwlock_tryrdlock(&rwlock));
    SHOW(pthread_rwlock_trywrlock(&rwlock));
    SHOW(pthread_rwlock_timedrdlock(&rwlock, &soon));
    SHOW(pthread_rwlock_timedwrlock(&rwlock, &soon));
    SHOW(pthread_rwlock_timedwrlock(&rwlock, &wrong));
    SHOW(pthread_rwlock_clockrdlock(&rwlock, CLOCK_MONOTONIC, &monotonic));
    SHOW(pthread_rwlock_clockwrlock(&rwlock, CLOCK_MONOTONIC, &monotonic));
    SHOW(pthread_rwlock_clockwrlock(&rwlock, CLOCK_PROCESS_CPUTIME_ID, &monotonic));
    return unused;
}

static void rwlocks(void)
{
    puts("-- rwlock");
    SHOW(pthread_rwlock_wrlock(&rwlock));
    SHOW(pthread_rwlock_rdlock(&rwlock));
    SHOW(pthread_rwlock_wrlock(&rwlock));
    in_other_thread(ask_rwlock);
    SHOW(pthread_rwlock_unlock(&rwlock));
    SHOW(pthread_rwlock_rdlock(&rwlock));
    SHOW(pthread_rwlock_tryrdlock(&rwlock));
    SHOW(pthread_rwlock_unlock(&rwlock));
    SHOW(pthread_rwlock_unlock(&rwlock));
    SHOW(pthread_rwlock_destroy(&rwlock));
    SHOW(pthread_rwlock_init(&rwlock, NULL));
    SHOW(pthread_rwlock_destroy(&rwlock));
}

static void *ask_spinlock(void *unused)
{
    SHOW(pthread_spin_trylock(&spinlock));
    return unused;
}

static void spinlocks(void)
{
    puts("-- spin lock");
    SHOW(pthread_spin_init(&spinlock, PTHREAD_PROCESS_PRIVATE));
    SHOW(pthread_spin_lock(&spinlock));
    in_other_thread(ask_spinlock);
    SHOW(pthread_spin_unlock(&spinlock));
    SHOW(pthread_spin_trylock(&spinlock));
    SHOW(pthread_spin_unlock(&spinlock));
    SHOW(pthread_spin_destroy(&spinlock));
}

static void conditions(void)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, checked;
    pthread_mutexattr_t kind;
    pthread_cond_t condition;
    struct timespec soon = time_after_ms(CLOCK_REALTIME, 5), past = {0, 0}, wrong = {0, 1000000000};
    struct timespec monotonic = time_after_ms(CLOCK_MONOTONIC, 5);
    puts("-- condition");
    SHOW(pthread_cond_init(&condition, NULL));
    SHOW(pthread_cond_signal(&condition));
    SHOW(pthread_cond_broadcast(&condition));
    SHOW(pthread_mutex_lock(&mutex));
    SHOW(pthread_cond_timedwait(&condition, &mutex, &soon));
    SHOW(pthread_cond_timedwait(&condition, &mutex, &past));
    SHOW(pthread_cond_timedwait(&condition, &mutex, &wrong));
    SHOW(pthread_cond_clockwait(&condition, &mutex, CLOCK_MONOTONIC, &monotonic));
    SHOW(pthread_cond_clockwait(&condition, &mutex, CLOCK_THREAD_CPUTIME_ID, &monotonic));
    SHOW(pthread_mutex_unlock(&mutex));
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ERRORCHECK);
    SHOW(pthread_mutex_init(&checked, &kind));
    SHOW(pthread_cond_timedwait(&condition, &checked, &soon));
    SHOW(pthread_mutex_destroy(&checked));
    SHOW(pthread_cond_destroy(&condition));
}

static void barriers(void)
{
    pthread_barrier_t barrier;
    puts("-- barrier");
    SHOW(pthread_barrier_init(&barrier, NULL, 0));
    SHOW(pthread_barrier_init(&barrier, NULL, 1));
    SHOW(pthread_barrier_wait(&barrier));
    SHOW(pthread_barrier_wait(&barrier));
    SHOW(pthread_barrier_destroy(&barrier));
}

static void semaphores(void)
{
    char name[64];
    int value = -1;
    struct timespec soon = time_after_ms(CLOCK_REALTIME, 5), monotonic = time_after_ms(CLOCK_MONOTONIC, 5);
    struct timespec wrong = {0, 1000000000};
    puts("-- semaphore");
    SHOW(sem_init(&semaphore, 0, 1));
    SHOW(sem_wait(&semaphore));
    SHOW(sem_trywait(&semaphore));
    SHOW(sem_timedwait(&semaphore, &soon));
    SHOW(sem_timedwait(&semaphore, &wrong));
    SHOW(sem_clockwait(&semaphore, CLOCK_MONOTONIC, &monotonic));
    SHOW(sem_clockwait(&semaphore, CLOCK_PROCESS_CPUTIME_ID, &monotonic));
    SHOW(sem_post(&semaphore));
    SHOW(sem_getvalue(&semaphore, &value));
    SHOW(sem_trywait(&semaphore));
    SHOW(sem_destroy(&semaphore));
    SHOW(sem_init(&semaphore, 0, SEM_VALUE_MAX));
    SHOW(sem_post(&semaphore));
    SHOW(sem_destroy(&semaphore));
    SHOW(sem_init(&semaphore, 0, SEM_VALUE_MAX + 1u));
    snprintf(name, sizeof name, "/lockhound-values-%d", (int)getpid());
    SHOW(sem_open(name, 0));
    sem_t *first = sem_open(name, O_CREAT | O_EXCL, 0600, 1), *second = sem_open(name, 0);
    MUST(first != SEM_FAILED && first == second);
    SHOW(sem_open(name, O_CREAT | O_EXCL, 0600, 1));
    SHOW(sem_wait(first));
    SHOW(sem_post(first));
    SHOW(sem_close(first));
    SHOW(sem_close(second));
    SHOW(sem_unlink(name));
    SHOW(sem_unlink(name));
}

static void *wait_for_leave(void *unused)
{
    while (!may_end)
        sched_yield();
    return unused;
}

static void *join_oneself(void *unused)
{
    SHOW(pthread_join(pthread_self(), NULL));
    return unused;
}

static void threads(void)
{
    pthread_t thread;
    void *result = NULL;
    char name[16];
    struct timespec soon = time_after_ms(CLOCK_REALTIME, 5), monotonic = time_after_ms(CLOCK_MONOTONIC, 5);
    pthread_attr_t attributes;
    puts("-- thread");
    SHOW(pthread_create(&thread, NULL, wait_for_leave, &result));
    SHOW(pthread_tryjoin_np(thread, &result));
    SHOW(pthread_timedjoin_np(thread, &result, &soon));
    SHOW(pthread_clockjoin_np(thread, &result, CLOCK_MONOTONIC, &monotonic));
    SHOW(pthread_setname_np(thread, "a-name"));
    SHOW(pthread_setname_np(thread, "a-name-that-is-too-long"));
    SHOW(pthread_getname_np(thread, name, sizeof name));
    puts(name);
    may_end = 1;
    SHOW(pthread_join(thread, &result));
    MUST(result == (void *)&result);
    in_other_thread(join_oneself);
    may_end = 0;
    SHOW(pthread_create(&thread, NULL, wait_for_leave, NULL));
    SHOW(pthread_detach(thread));
    SHOW(pthread_join(thread, NULL));
    SHOW(pthread_detach(thread));
    may_end = 1;
    pthread_attr_init(&attributes);
    SHOW(pthread_attr_setstacksize(&attributes, 1));
    pthread_attr_setstacksize(&attributes, (size_t)1 << 60); /* more than there can be */
    SHOW(pthread_create(&thread, &attributes, wait_for_leave, NULL));
    pthread_attr_destroy(&attributes);
}

int main(void)
{
    rwlocks();
    spinlocks();
    conditions();
    barriers();
    semaphores();
    threads();
    return 0;
}
