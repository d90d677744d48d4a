/* inner.c PLAN: a circle over two processes that goes through a lock of one of them alone.
 *
 *   process A: one thread nests its own lock in the shared `first`, another `second` in its own lock
 *   process B: nests `first` in `second`
 *
 *   bug, semaphore, heap:  an order that can close; A's own lock is a mutex of the program, a semaphore, or on the heap
 *   hang:                  it closes, in all threads that there are
 * All others are correct:
 *   ok:     B nests the other way round
 *   gate:   A's threads nest under a common lock
 *   joined: A's second thread is made when its first has ended
 *   told:   A's second thread waits until its first has told it, by a semaphore
 *   handed: A's own "lock" is a semaphore that is handed from one thread to the other
 *   copies: A's own lock is two: B is a copy of A, and its lock a copy
 */
#include <pthread.h>
#include <semaphore.h>

#include "pair.h"

static struct shared {
    pthread_mutex_t first, second;
    atomic_int stage;
} * shared;
static const char *plan;
static pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER, gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t *inner = &own;
static sem_t semaphore, news;

static bool plan_is(const char *name)
{
    return strcmp(plan, name) == 0;
}

static bool has_semaphore(void)
{
    return plan_is("semaphore") || plan_is("handed");
}

static void take_inner(void)
{
    if (has_semaphore())
        sem_wait(&semaphore);
    else
        pthread_mutex_lock(inner);
}

static void give_inner(void)
{
    if (has_semaphore())
        sem_post(&semaphore);
    else
        pthread_mutex_unlock(inner);
}

static void meet(int others)
{
    atomic_fetch_add(&shared->stage, 1);
    wait_until(&shared->stage, others);
}

__attribute__((noinline)) static void *first_then_own(void *unused)
{
    if (plan_is("gate"))
        pthread_mutex_lock(&gate);
    pthread_mutex_lock(&shared->first);
    if (plan_is("hang"))
        meet(3);
    take_inner();
    give_inner();
    pthread_mutex_unlock(&shared->first);
    if (plan_is("gate"))
        pthread_mutex_unlock(&gate);
    if (!plan_is("hang"))
        atomic_store(&shared->stage, 1);
    if (plan_is("told"))
        sem_post(&news);
    return unused;
}

__attribute__((noinline)) static void *own_then_second(void *unused)
{
    if (plan_is("told"))
        sem_wait(&news);
    else if (!plan_is("hang"))
        wait_until(&shared->stage, 1);
    if (plan_is("gate"))
        pthread_mutex_lock(&gate);
    take_inner();
    if (plan_is("hang"))
        meet(3);
    pthread_mutex_lock(&shared->second);
    pthread_mutex_unlock(&shared->second);
    if (plan_is("handed")) { /* another gives it back */
        atomic_store(&shared->stage, 5);
        wait_until(&shared->stage, 6);
    } else {
        give_inner();
    }
    if (plan_is("gate"))
        pthread_mutex_unlock(&gate);
    if (!plan_is("hang"))
        atomic_store(&shared->stage, 10);
    return unused;
}

static void be_first(void)
{
    pthread_t one, other;
    if (plan_is("copies")) {
        first_then_own(NULL);
        return;
    }
    if (plan_is("hang")) {
        pthread_create(&other, NULL, own_then_second, NULL);
        first_then_own(NULL);
        return;
    }
    pthread_create(&one, NULL, first_then_own, NULL);
    if (plan_is("joined"))
        pthread_join(one, NULL);
    pthread_create(&other, NULL, own_then_second, NULL);
    if (plan_is("handed")) {
        wait_until(&shared->stage, 5);
        sem_post(&semaphore);
        atomic_store(&shared->stage, 6);
    }
    if (!plan_is("joined"))
        pthread_join(one, NULL);
    pthread_join(other, NULL);
}

__attribute__((noinline)) static void nest(pthread_mutex_t *outer, pthread_mutex_t *inside)
{
    pthread_mutex_lock(outer);
    if (plan_is("hang"))
        meet(3);
    pthread_mutex_lock(inside);
    pthread_mutex_unlock(inside);
    pthread_mutex_unlock(outer);
}

static void be_second(void)
{
    if (!plan_is("hang") && !plan_is("copies"))
        wait_until(&shared->stage, 10);
    if (plan_is("ok"))
        nest(&shared->first, &shared->second);
    else if (plan_is("copies"))
        nest(inner, &shared->first);
    else
        nest(&shared->second, &shared->first);
}

static void side(int number)
{
    if (number == 0)
        be_first();
    else
        be_second();
}

int main(int argc, char **argv)
{
    pthread_mutexattr_t attributes;
    check(argc == 2, "arguments");
    plan = argv[1];
    shared = map_shared(sizeof *shared);
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&shared->first, &attributes);
    pthread_mutex_init(&shared->second, &attributes);
    sem_init(&semaphore, 0, 1);
    sem_init(&news, 0, 0);
    if (plan_is("heap")) {
        inner = malloc(sizeof *inner);
        pthread_mutex_init(inner, NULL);
    }
    run_both(side, true);
    return 0;
}
