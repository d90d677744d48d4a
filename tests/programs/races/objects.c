/* objects.c: a synchronisation object that one thread uses and another makes, destroys or frees.
 *
 *   objects CASE        the object's end (or beginning) is handed over: nothing may be reported
 *   objects CASE racy   nothing orders the two: one race, between first() and second()
 *
 * A case is KIND_WAY: destroy, free (of the block it lies in, never destroyed), init (the use comes second), last (of many uses
 * only the last one is in question); or signalled: the one who is woken ends the condition.  The first thread always acts first (unseen.h), so that a run shows the same thing each time.
 */
#define _GNU_SOURCE 1
#include <semaphore.h>
#include <threads.h>

#include "chosen.h"

#define KEPT __attribute__((noinline))

enum { USES = 40 };

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

static void pass_guard(void)
{
    pthread_mutex_lock(&guard);
    pthread_mutex_unlock(&guard);
}

/* Racy: the last of many uses comes after the hand-over. */
static void use_often(void (*use)(void))
{
    for (int i = 0; i < USES; i++)
        use();
    pass_guard();
    if (racy)
        use();
}
static void mutex_often(void)
{
    use_often(mutex_use);
}
static void rwlock_often(void)
{
    use_often(rwlock_use);
}
static void sem_often(void)
{
    use_often(sem_use);
}

/* Racy: the signal comes when the mutex is free, so that who is woken may be there before the call has ended. */
static bool is_told;
static void signal_first(void)
{
    unseen_wait(); /* the other has the mutex until it sleeps */
    pthread_mutex_lock(&guard);
    is_told = true;
    if (racy)
        pthread_mutex_unlock(&guard);
    pthread_cond_signal(&object->cond);
    if (!racy)
        pthread_mutex_unlock(&guard);
}
static void await_signal(void)
{
    pthread_mutex_lock(&guard);
    unseen_pass();
    while (!is_told)
        pthread_cond_wait(&object->cond, &guard);
    pthread_mutex_unlock(&guard);
}
static void signalled_destroy(void)
{
    await_signal();
    cond_destroy();
}
static void signalled_free(void)
{
    await_signal();
    free_object();
}

static const struct {
    const char *name;
    void (*begin)(void), (*first)(void), (*second)(void);
    enum { IN_TURN, LAST, BY_THEMSELVES } order;
} cases[] = {
#define CASES(name, make, use, end)                                                                                    \
    {#name "_destroy", make, use, end, IN_TURN}, {#name "_free", make, use, free_object, IN_TURN},                     \
    {                                                                                                                  \
#name "_init", NULL, make, use, IN_TURN                                                                        \
    }
    CASES(mutex, mutex_init, mutex_use, mutex_destroy),
    CASES(rwlock, rwlock_init, rwlock_use, rwlock_destroy),
    CASES(spin, spin_init, spin_use, spin_destroy),
    CASES(cond, cond_init, cond_use, cond_destroy),
    CASES(barrier, barrier_init, barrier_use, barrier_destroy),
    CASES(semaphore, sem_make, sem_use, sem_end),
    CASES(c11, c11_init, c11_use, c11_destroy),
    CASES(c11_cond, cnd_make, cnd_use, cnd_end),
    {"mutex_last", mutex_init, mutex_often, mutex_destroy, LAST},
    {"rwlock_last", rwlock_init, rwlock_often, free_object, LAST},
    {"semaphore_last", sem_make, sem_often, sem_end, LAST},
    {"signalled_destroy", cond_init, signal_first, signalled_destroy, BY_THEMSELVES},
    {"signalled_free", cond_init, signal_first, signalled_free, BY_THEMSELVES},
};

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
    if (cases[chosen].order == IN_TURN)
        pass_guard();
    if (cases[chosen].order != BY_THEMSELVES)
        unseen_pass();
    return arg;
}

static void *run_second(void *arg)
{
    if (cases[chosen].order != BY_THEMSELVES)
        unseen_wait();
    if (cases[chosen].order == LAST || (cases[chosen].order == IN_TURN && !racy))
        pass_guard();
    second();
    return arg;
}

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    object = calloc(1, sizeof *object);
    if (object == NULL)
        return 2;
    if (cases[chosen].begin != NULL)
        cases[chosen].begin();
    return run_both(run_first, run_second);
}
