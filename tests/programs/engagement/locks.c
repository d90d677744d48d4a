/* Mutexes, read-write locks, spin locks. */
#include "engage.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spin;
static const struct timespec past = {1, 0};

/* ---- mutexes ---- */

ENGAGE(mutex_init, "pthread_mutex_init", "event init")
{
    pthread_mutex_t fresh;
    begin();
    pthread_mutex_init(&fresh, NULL);
}

ENGAGE(mutex_destroy, "pthread_mutex_destroy", "event destroy")
{
    pthread_mutex_t fresh;
    pthread_mutex_init(&fresh, NULL);
    begin();
    pthread_mutex_destroy(&fresh);
}

ENGAGE(mutex_lock, "pthread_mutex_lock", "event req")
{
    begin();
    pthread_mutex_lock(&mutex);
}

ENGAGE(mutex_trylock, "pthread_mutex_trylock", "event acq try")
{
    begin();
    pthread_mutex_trylock(&mutex);
}

ENGAGE(mutex_timedlock, "pthread_mutex_timedlock", "event req timed")
{
    begin();
    pthread_mutex_timedlock(&mutex, &past);
}

ENGAGE(mutex_clocklock, "pthread_mutex_clocklock", "event req timed")
{
    begin();
    pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &past);
}

ENGAGE(mutex_unlock, "pthread_mutex_unlock", "event rel")
{
    pthread_mutex_lock(&mutex);
    begin();
    pthread_mutex_unlock(&mutex);
}

static void *lock_and_die(void *argument)
{
    pthread_mutex_lock(argument);
    return NULL;
}

/* Makes `robust` a mutex whose owner has died and that the caller holds. */
static void inherit(pthread_mutex_t *robust)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(robust, &attributes);
    pthread_t thread;
    pthread_create(&thread, NULL, lock_and_die, robust);
    pthread_join(thread, NULL);
    pthread_mutex_lock(robust);
}

ENGAGE(mutex_consistent, "pthread_mutex_consistent", "event consistent")
{
    static pthread_mutex_t robust;
    inherit(&robust);
    begin();
    pthread_mutex_consistent(&robust);
}

ENGAGE(mutex_consistent_np, "pthread_mutex_consistent_np", "event consistent")
{
    static pthread_mutex_t robust;
    FOUND(pthread_mutex_consistent, pthread_mutex_consistent_np, NULL);
    inherit(&robust);
    begin();
    pthread_mutex_consistent_np_found(&robust);
}

/* The call has no event of its own; but a recursive mutex met for the first time is announced with its type. */
ENGAGE(mutex_setprioceiling, "pthread_mutex_setprioceiling", "event init recursive")
{
    static pthread_mutex_t original, copy;
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_PROTECT);
    pthread_mutex_init(&original, &attributes);
    memcpy(&copy, &original, sizeof copy);
    int before;
    begin();
    pthread_mutex_setprioceiling(&copy, 1, &before);
}

ENGAGE(old_mutex_init, "__pthread_mutex_init", "event init")
{
    pthread_mutex_t fresh;
    FOUND(pthread_mutex_init, __pthread_mutex_init, NULL);
    begin();
    __pthread_mutex_init_found(&fresh, NULL);
}

ENGAGE(old_mutex_destroy, "__pthread_mutex_destroy", "event destroy")
{
    pthread_mutex_t fresh;
    FOUND(pthread_mutex_destroy, __pthread_mutex_destroy, NULL);
    pthread_mutex_init(&fresh, NULL);
    begin();
    __pthread_mutex_destroy_found(&fresh);
}

ENGAGE(old_mutex_lock, "__pthread_mutex_lock", "event req")
{
    FOUND(pthread_mutex_lock, __pthread_mutex_lock, NULL);
    begin();
    __pthread_mutex_lock_found(&mutex);
}

ENGAGE(old_mutex_trylock, "__pthread_mutex_trylock", "event acq try")
{
    FOUND(pthread_mutex_trylock, __pthread_mutex_trylock, NULL);
    begin();
    __pthread_mutex_trylock_found(&mutex);
}

ENGAGE(old_mutex_unlock, "__pthread_mutex_unlock", "event rel")
{
    FOUND(pthread_mutex_unlock, __pthread_mutex_unlock, NULL);
    pthread_mutex_lock(&mutex);
    begin();
    __pthread_mutex_unlock_found(&mutex);
}

/* ---- read-write locks ---- */

ENGAGE(rwlock_init, "pthread_rwlock_init", "event init")
{
    begin();
    pthread_rwlock_init(&rwlock, NULL);
}

ENGAGE(rwlock_destroy, "pthread_rwlock_destroy", "event destroy")
{
    begin();
    pthread_rwlock_destroy(&rwlock);
}

ENGAGE(rdlock, "pthread_rwlock_rdlock", "event req shared")
{
    begin();
    pthread_rwlock_rdlock(&rwlock);
}

ENGAGE(wrlock, "pthread_rwlock_wrlock", "event req")
{
    begin();
    pthread_rwlock_wrlock(&rwlock);
}

ENGAGE(tryrdlock, "pthread_rwlock_tryrdlock", "event acq shared,try")
{
    begin();
    pthread_rwlock_tryrdlock(&rwlock);
}

ENGAGE(trywrlock, "pthread_rwlock_trywrlock", "event acq try")
{
    begin();
    pthread_rwlock_trywrlock(&rwlock);
}

ENGAGE(timedrdlock, "pthread_rwlock_timedrdlock", "event req shared,timed")
{
    begin();
    pthread_rwlock_timedrdlock(&rwlock, &past);
}

ENGAGE(timedwrlock, "pthread_rwlock_timedwrlock", "event req timed")
{
    begin();
    pthread_rwlock_timedwrlock(&rwlock, &past);
}

ENGAGE(clockrdlock, "pthread_rwlock_clockrdlock", "event req shared,timed")
{
    begin();
    pthread_rwlock_clockrdlock(&rwlock, CLOCK_MONOTONIC, &past);
}

ENGAGE(clockwrlock, "pthread_rwlock_clockwrlock", "event req timed")
{
    begin();
    pthread_rwlock_clockwrlock(&rwlock, CLOCK_MONOTONIC, &past);
}

ENGAGE(rwlock_unlock, "pthread_rwlock_unlock", "event rel")
{
    pthread_rwlock_rdlock(&rwlock);
    begin();
    pthread_rwlock_unlock(&rwlock);
}

ENGAGE(old_rwlock_init, "__pthread_rwlock_init", "event init")
{
    FOUND(pthread_rwlock_init, __pthread_rwlock_init, NULL);
    begin();
    __pthread_rwlock_init_found(&rwlock, NULL);
}

ENGAGE(old_rwlock_destroy, "__pthread_rwlock_destroy", "event destroy")
{
    FOUND(pthread_rwlock_destroy, __pthread_rwlock_destroy, NULL);
    begin();
    __pthread_rwlock_destroy_found(&rwlock);
}

ENGAGE(old_rdlock, "__pthread_rwlock_rdlock", "event req shared")
{
    FOUND(pthread_rwlock_rdlock, __pthread_rwlock_rdlock, NULL);
    begin();
    __pthread_rwlock_rdlock_found(&rwlock);
}

ENGAGE(old_wrlock, "__pthread_rwlock_wrlock", "event req")
{
    FOUND(pthread_rwlock_wrlock, __pthread_rwlock_wrlock, NULL);
    begin();
    __pthread_rwlock_wrlock_found(&rwlock);
}

ENGAGE(old_tryrdlock, "__pthread_rwlock_tryrdlock", "event acq shared,try")
{
    FOUND(pthread_rwlock_tryrdlock, __pthread_rwlock_tryrdlock, NULL);
    begin();
    __pthread_rwlock_tryrdlock_found(&rwlock);
}

ENGAGE(old_trywrlock, "__pthread_rwlock_trywrlock", "event acq try")
{
    FOUND(pthread_rwlock_trywrlock, __pthread_rwlock_trywrlock, NULL);
    begin();
    __pthread_rwlock_trywrlock_found(&rwlock);
}

ENGAGE(old_rwlock_unlock, "__pthread_rwlock_unlock", "event rel")
{
    FOUND(pthread_rwlock_unlock, __pthread_rwlock_unlock, NULL);
    pthread_rwlock_wrlock(&rwlock);
    begin();
    __pthread_rwlock_unlock_found(&rwlock);
}

/* ---- spin locks ---- */

ENGAGE(spin_init, "pthread_spin_init", "event init")
{
    begin();
    pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
}

ENGAGE(spin_destroy, "pthread_spin_destroy", "event destroy")
{
    pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
    begin();
    pthread_spin_destroy(&spin);
}

ENGAGE(spin_lock, "pthread_spin_lock", "event req")
{
    pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
    begin();
    pthread_spin_lock(&spin);
}

ENGAGE(spin_trylock, "pthread_spin_trylock", "event acq try")
{
    pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
    begin();
    pthread_spin_trylock(&spin);
}

ENGAGE(spin_unlock, "pthread_spin_unlock", "event rel")
{
    pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
    pthread_spin_lock(&spin);
    begin();
    pthread_spin_unlock(&spin);
}
