/* heard.c: two threads whose writes race, after one has heard of the other in the way that the argument names.
 *
 *   first thread:   tell() ... writes           second thread:   hear() ... writes
 *
 * Each step follows the one before by unseen.h alone.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "unseen.h"

#define KEPT __attribute__((noinline))

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spin;
static pthread_barrier_t barrier;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static sem_t semaphore;
static atomic_int number;
static int descriptors[2];
static volatile long place;
static volatile long *cell = &place;
static const char *way;

static int is(const char *name)
{
    return strcmp(way, name) == 0;
}

KEPT void writes(long value)
{
    *cell = value;
    __asm__ volatile("" ::: "memory");
}

static void nothing(void)
{
}

KEPT void tell(void)
{
    if (is("mutex")) {
        pthread_mutex_lock(&mutex);
        pthread_mutex_unlock(&mutex);
    } else if (is("rwlock")) {
        pthread_rwlock_wrlock(&rwlock);
        pthread_rwlock_unlock(&rwlock);
    } else if (is("spin")) {
        pthread_spin_lock(&spin);
        pthread_spin_unlock(&spin);
    } else if (is("semaphore")) {
        sem_post(&semaphore);
    } else if (is("barrier")) {
        pthread_barrier_wait(&barrier);
    } else if (is("once")) {
        pthread_once(&once, nothing);
    } else if (is("atomic")) {
        atomic_fetch_add(&number, 1);
    } else if (is("pipe")) {
        (void)!write(descriptors[1], "", 1);
    }
    __asm__ volatile("" ::: "memory"); /* the calls above are calls, not jumps */
}

KEPT void hear(void)
{
    char byte;
    if (is("mutex")) {
        pthread_mutex_lock(&mutex);
        pthread_mutex_unlock(&mutex);
    } else if (is("rwlock")) {
        pthread_rwlock_rdlock(&rwlock);
        pthread_rwlock_unlock(&rwlock);
    } else if (is("spin")) {
        pthread_spin_lock(&spin);
        pthread_spin_unlock(&spin);
    } else if (is("semaphore")) {
        sem_wait(&semaphore);
    } else if (is("barrier")) {
        pthread_barrier_wait(&barrier);
    } else if (is("once")) {
        pthread_once(&once, nothing);
    } else if (is("atomic")) {
        if (atomic_fetch_add(&number, 1) < 0)
            abort();
    } else if (is("pipe")) {
        (void)!read(descriptors[0], &byte, 1);
    }
}

static void *first(void *unused)
{
    tell();
    unseen_pass();
    writes(1);
    unseen_pass();
    return unused;
}

static void *second(void *unused)
{
    if (!is("barrier"))
        unseen_wait();
    hear();
    if (is("barrier"))
        unseen_wait();
    unseen_wait();
    writes(2);
    return unused;
}

static void *child(void *unused)
{
    unseen_wait();
    writes(2);
    return unused;
}

int main(int argc, char **argv)
{
    way = argc > 1 ? argv[1] : "";
    if (unseen_open() != 0 || pipe(descriptors) != 0)
        return 2;
    pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
    pthread_barrier_init(&barrier, NULL, 2);
    sem_init(&semaphore, 0, 0);
    pthread_t threads[2];
    int count = is("creation") ? 1 : 2;
    if (is("creation")) {
        pthread_create(&threads[0], NULL, child, NULL);
        writes(1);
        unseen_pass();
    } else {
        pthread_create(&threads[0], NULL, first, NULL);
        pthread_create(&threads[1], NULL, second, NULL);
    }
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    puts("done");
    return 0;
}
