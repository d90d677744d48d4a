/* nesting.c KIND bug|ok|gate|before|reaped|killed|posted|early|signalled|missed|met: two processes nest two locks of one kind, in opposite orders in "bug".
 *
 *   mutex, robust, rwlock, readers, spin, semaphore    in anonymous shared memory, over fork
 *   unlinked                                           named semaphores, their names gone at once, as Python does it
 *   gate:   in opposite orders, both inside of a third lock      before: the first side is the parent before it forks
 *   reaped: the first side has ended and been waited for         killed: the first side dies holding robust mutexes
 *   posted, signalled, met: the second side has waited for the first one's post, signal or arrival at a barrier
 *   missed: as signalled, but the second side comes when the signal has been given
 *   early:  as posted, but the first side posts before it nests
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

#include "pair.h"

struct lock {
    union {
        pthread_mutex_t mutex;
        pthread_rwlock_t rwlock;
        pthread_spinlock_t spin;
        sem_t semaphore;
    } u;
};

static struct lock *locks; /* two, and the gate */
static sem_t *semaphores[3];
static const char *kind, *plan;

static bool is_kind(const char *name)
{
    return strcmp(kind, name) == 0;
}

static bool is_plan(const char *name)
{
    return strcmp(plan, name) == 0;
}

/* What hands over from the first side to the second, in shared memory. */
static struct hand_over {
    sem_t posted;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool is_set;
    pthread_barrier_t barrier;
    atomic_int nested, done; /* unseen */
} * handed;

static void make_hand_over(void)
{
    pthread_mutexattr_t mutex;
    pthread_condattr_t cond;
    pthread_barrierattr_t barrier;
    handed = map_shared(sizeof *handed);
    sem_init(&handed->posted, 1, 0);
    pthread_mutexattr_init(&mutex);
    pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&handed->mutex, &mutex);
    pthread_condattr_init(&cond);
    pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
    pthread_cond_init(&handed->cond, &cond);
    pthread_barrierattr_init(&barrier);
    pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&handed->barrier, &barrier, 2);
}

static bool is_signalled(void)
{
    return is_plan("signalled") || is_plan("missed");
}

static void hand_over(void)
{
    if (is_plan("posted") || is_plan("early")) {
        sem_post(&handed->posted);
    } else if (is_plan("met")) {
        pthread_barrier_wait(&handed->barrier);
    } else if (is_signalled()) {
        pthread_mutex_lock(&handed->mutex);
        handed->is_set = true;
        pthread_cond_signal(&handed->cond);
        pthread_mutex_unlock(&handed->mutex);
    }
    atomic_store(&handed->done, 1);
}

static void await_hand_over(void)
{
    if (is_plan("missed"))
        wait_until(&handed->done, 1);
    if (is_plan("posted") || is_plan("early")) {
        sem_wait(&handed->posted);
    } else if (is_plan("met")) {
        pthread_barrier_wait(&handed->barrier);
    } else if (is_signalled()) {
        pthread_mutex_lock(&handed->mutex);
        while (!handed->is_set)
            pthread_cond_wait(&handed->cond, &handed->mutex);
        pthread_mutex_unlock(&handed->mutex);
    }
}

static bool is_handed_over(void)
{
    return is_plan("posted") || is_plan("early") || is_plan("met") || is_signalled();
}

static bool is_semaphore(void)
{
    return is_kind("semaphore") || is_kind("unlinked");
}

static void make_mutex(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (is_kind("robust"))
        pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(mutex, &attributes);
}

static void make_rwlock(pthread_rwlock_t *rwlock)
{
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_rwlock_init(rwlock, &attributes);
}

static sem_t *open_semaphore(int number)
{
    char name[64];
    snprintf(name, sizeof name, "/lockhound-%d-%d", (int)getpid(), number);
    sem_t *semaphore = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
    check(semaphore != SEM_FAILED, "sem_open");
    sem_unlink(name);
    return semaphore;
}

static void make(int number)
{
    struct lock *lock = &locks[number];
    if (is_kind("mutex") || is_kind("robust"))
        make_mutex(&lock->u.mutex);
    else if (is_kind("spin"))
        pthread_spin_init(&lock->u.spin, PTHREAD_PROCESS_SHARED);
    else if (is_kind("rwlock") || is_kind("readers"))
        make_rwlock(&lock->u.rwlock);
    else if (is_kind("semaphore"))
        sem_init(semaphores[number] = &lock->u.semaphore, 1, 1);
    else
        semaphores[number] = open_semaphore(number);
}

__attribute__((noinline)) static void take(int number)
{
    struct lock *lock = &locks[number];
    if (is_semaphore())
        sem_wait(semaphores[number]);
    else if (is_kind("spin"))
        pthread_spin_lock(&lock->u.spin);
    else if (is_kind("rwlock"))
        pthread_rwlock_wrlock(&lock->u.rwlock);
    else if (is_kind("readers"))
        pthread_rwlock_rdlock(&lock->u.rwlock);
    else if (pthread_mutex_lock(&lock->u.mutex) == EOWNERDEAD)
        pthread_mutex_consistent(&lock->u.mutex);
}

static void give(int number)
{
    struct lock *lock = &locks[number];
    if (is_semaphore())
        sem_post(semaphores[number]);
    else if (is_kind("spin"))
        pthread_spin_unlock(&lock->u.spin);
    else if (is_kind("rwlock") || is_kind("readers"))
        pthread_rwlock_unlock(&lock->u.rwlock);
    else
        pthread_mutex_unlock(&lock->u.mutex);
}

__attribute__((noinline)) static void nest(int outer, int inner)
{
    if (is_plan("gate"))
        take(2);
    take(outer);
    take(inner);
    if (is_plan("killed") && outer == 0)
        raise(SIGKILL);
    give(inner);
    give(outer);
    if (is_plan("gate"))
        give(2);
}

static void side(int number)
{
    bool is_reversed = number == 1 && !is_plan("ok") && !is_plan("killed");
    if (number == 0 && is_plan("early"))
        hand_over();
    if (number == 1 && is_handed_over()) {
        await_hand_over();
        wait_until(&handed->nested, 1);
    }
    nest(is_reversed ? 1 : 0, is_reversed ? 0 : 1);
    atomic_store(&handed->nested, 1);
    if (number == 0 && !is_plan("early"))
        hand_over();
}

/* Side 0 is done, as is its process or the part before the fork, when side 1 begins. */
static void run_one_after_the_other(void)
{
    bool in_child = !is_plan("before");
    pid_t child = in_child ? fork() : 0;
    if (child == 0)
        side(0);
    if (in_child && child == 0)
        exit(0);
    if (in_child)
        waitpid(child, NULL, 0);
    fflush(stdout);
    child = fork();
    if (child == 0) {
        side(1);
        exit(0);
    }
    waitpid(child, NULL, 0);
    printf("one after the other\n");
}

int main(int argc, char **argv)
{
    check(argc == 3, "arguments");
    kind = argv[1];
    plan = argv[2];
    locks = map_shared(3 * sizeof *locks);
    for (int number = 0; number < 3; number++)
        make(number);
    make_hand_over();
    if (is_plan("before") || is_plan("reaped") || is_plan("killed"))
        run_one_after_the_other();
    else
        run_both(side, is_handed_over());
    return 0;
}
