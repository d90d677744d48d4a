/* objects.c: a synchronisation object that one thread uses and another makes, destroys or frees.
 *
 *   objects CASE        the object's end (or beginning) is handed over: nothing may be reported
 *   objects CASE racy   nothing orders the two: one race, between first() and second()
 *
 * A case is KIND_WAY: destroy, free (of the block it lies in, never destroyed), init (the use comes second), remake (init over
 * one that is in use).  The first thread always acts first (unseen.h), so that a run shows the same thing each time.
 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include "unseen.h"

#define KEPT __attribute__((noinline))

static bool racy;
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static union object {
    pthread_mutex_t mutex;
    pthread_rwlock_t rwlock;
    pthread_spinlock_t spin;
    pthread_cond_t cond;
    pthread_barrier_t barrier;
    sem_t sem;
    mtx_t mtx;
    cnd_t cnd;
} * object;

static void mutex_init(void)
{
    pthread_mutex_init(&object->mutex, NULL);
}
static void mutex_use(void)
{
    pthread_mutex_lock(&object->mutex);
    pthread_mutex_unlock(&object->mutex);
}
static void mutex_destroy(void)
{
    pthread_mutex_destroy(&object->mutex);
}
static void rwlock_init(void)
{
    pthread_rwlock_init(&object->rwlock, NULL);
}
static void rwlock_use(void)
{
    pthread_rwlock_rdlock(&object->rwlock);
    pthread_rwlock_unlock(&object->rwlock);
}
static void rwlock_destroy(void)
{
    pthread_rwlock_destroy(&object->rwlock);
}
static void spin_init(void)
{
    pthread_spin_init(&object->spin, PTHREAD_PROCESS_PRIVATE);
}
static void spin_use(void)
{
    pthread_spin_lock(&object->spin);
    pthread_spin_unlock(&object->spin);
}
static void spin_destroy(void)
{
    pthread_spin_destroy(&object->spin);
}
static void cond_init(void)
{
    pthread_cond_init(&object->cond, NULL);
}
static void cond_use(void)
{
    pthread_cond_broadcast(&object->cond);
}
static void cond_destroy(void)
{
    pthread_cond_destroy(&object->cond);
}
static void barrier_init(void)
{
    pthread_barrier_init(&object->barrier, NULL, 1);
}
static void barrier_use(void)
{
    pthread_barrier_wait(&object->barrier);
}
static void barrier_destroy(void)
{
    pthread_barrier_destroy(&object->barrier);
}
static void sem_make(void)
{
    sem_init(&object->sem, 0, 1);
}
static void sem_use(void)
{
    sem_wait(&object->sem);
    sem_post(&object->sem);
}
static void sem_end(void)
{
    sem_destroy(&object->sem);
}
static void c11_init(void)
{
    mtx_init(&object->mtx, mtx_plain);
}
static void c11_use(void)
{
    mtx_lock(&object->mtx);
    mtx_unlock(&object->mtx);
}
static void c11_destroy(void)
{
    mtx_destroy(&object->mtx);
}
static void cnd_make(void)
{
    cnd_init(&object->cnd);
}
static void cnd_use(void)
{
    cnd_signal(&object->cnd);
}
static void cnd_end(void)
{
    cnd_destroy(&object->cnd);
}
static void free_object(void)
{
    free(object);
}

static const struct {
    const char *name;
    void (*begin)(void), (*first)(void), (*second)(void);
} cases[] = {
#define CASES(name, make, use, end)                                                                                    \
    {#name "_destroy", make, use, end}, {#name "_free", make, use, free_object},                                       \
    {                                                                                                                  \
#name "_init", NULL, make, use                                                                                 \
    }
    CASES(mutex, mutex_init, mutex_use, mutex_destroy),
    CASES(rwlock, rwlock_init, rwlock_use, rwlock_destroy),
    CASES(spin, spin_init, spin_use, spin_destroy),
    CASES(cond, cond_init, cond_use, cond_destroy),
    CASES(barrier, barrier_init, barrier_use, barrier_destroy),
    CASES(semaphore, sem_make, sem_use, sem_end),
    CASES(c11, c11_init, c11_use, c11_destroy),
    CASES(c11_cond, cnd_make, cnd_use, cnd_end),
};

static size_t chosen;

KEPT static void first(void)
{
    cases[chosen].first();
    __asm__ volatile("" ::: "memory");
}
KEPT static void second(void)
{
    cases[chosen].second();
    __asm__ volatile("" ::: "memory");
}

static void *run_first(void *arg)
{
    first();
    pthread_mutex_lock(&guard);
    pthread_mutex_unlock(&guard);
    unseen_pass();
    return arg;
}

static void *run_second(void *arg)
{
    unseen_wait();
    if (!racy) {
        pthread_mutex_lock(&guard);
        pthread_mutex_unlock(&guard);
    }
    second();
    return arg;
}

int main(int argc, char **argv)
{
    const size_t count = sizeof cases / sizeof *cases;
    racy = argc > 2;
    if (argc < 2) {
        for (size_t i = 0; i < count; i++)
            puts(cases[i].name);
        return 0;
    }
    while (chosen < count && strcmp(cases[chosen].name, argv[1]) != 0)
        chosen++;
    object = calloc(1, sizeof *object);
    if (chosen == count || unseen_open() != 0 || object == NULL)
        return 2;
    if (cases[chosen].begin != NULL)
        cases[chosen].begin();

    pthread_t first_thread, second_thread;
    pthread_create(&first_thread, NULL, run_first, NULL);
    pthread_create(&second_thread, NULL, run_second, NULL);
    pthread_join(first_thread, NULL);
    pthread_join(second_thread, NULL);
    puts("done");
    return 0;
}
