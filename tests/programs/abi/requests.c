/* requests.c: two threads that only client requests of Valgrind's put in order, in the form of races/pairs.c.
 *
 *   requests CASE        the requests say what is needed: nothing may be reported
 *   requests CASE racy   they say too little: one race, between first() and second()
 *
 * With -DWITH_DRD the macros are drd.h's instead of helgrind.h's.
 */
#ifdef WITH_DRD
#include <valgrind/drd.h>
#else
#include <valgrind/helgrind.h>
#endif

#include "../races/chosen.h"

#define KEPT __attribute__((noinline))

static long place, place_of_old;
static long *volatile cell = &place;
static long lock, other_lock, tag;

KEPT void first(void)
{
    *cell = 1;
    __asm__ volatile("" ::: "memory");
}

KEPT void second(void)
{
    *cell = 2;
    __asm__ volatile("" ::: "memory");
}

/* ---- before the first thread ---------------------------------------------------------------------------------------- */

__attribute__((constructor)) static void annotate_early(int argc, char **argv)
{
    (void)argv;
    if (argc == 2)
        ANNOTATE_BENIGN_RACE_SIZED(&place_of_old, sizeof place_of_old, "");
}

static void early_first(void)
{
    first();
}
static void early_second(void)
{
    second();
}

/* ---- what both headers have ----------------------------------------------------------------------------------------- */

static void happens_first(void)
{
    first();
    if (!racy)
        ANNOTATE_HAPPENS_BEFORE(&tag);
}
static void happens_second(void)
{
    ANNOTATE_HAPPENS_AFTER(&tag);
    second();
}

/* Racy: both say that they read. */
static void rwlock_first(void)
{
    ANNOTATE_RWLOCK_CREATE(&lock);
    ANNOTATE_RWLOCK_ACQUIRED(&lock, !racy);
    first();
    ANNOTATE_RWLOCK_RELEASED(&lock, !racy);
}
static void rwlock_second(void)
{
    ANNOTATE_RWLOCK_ACQUIRED(&lock, !racy);
    second();
    ANNOTATE_RWLOCK_RELEASED(&lock, !racy);
    if (!racy)
        ANNOTATE_RWLOCK_DESTROY(&lock);
}

static void benign_first(void)
{
    if (!racy)
        ANNOTATE_BENIGN_RACE_SIZED(&place, sizeof place, "");
    first();
}
static void benign_second(void)
{
    second();
}

/* ---- what one of them has ------------------------------------------------------------------------------------------- */

#ifdef WITH_DRD

static void semaphore_first(void)
{
    ANNOTATE_SEM_INIT_PRE(&lock, 0);
    first();
    if (!racy)
        ANNOTATE_SEM_POST_PRE(&lock);
}
static void semaphore_second(void)
{
    ANNOTATE_SEM_WAIT_PRE(&lock);
    ANNOTATE_SEM_WAIT_POST(&lock);
    second();
    ANNOTATE_SEM_DESTROY_POST(&lock);
}

static void ignored_first(void)
{
    DRD_IGNORE_VAR(place);
    first();
}
static void ignored_second(void)
{
    if (racy)
        DRD_STOP_IGNORING_VAR(place);
    second();
}

static void fresh_first(void)
{
    first();
}
static void fresh_second(void)
{
    if (!racy)
        ANNOTATE_NEW_MEMORY(&place, sizeof place);
    second();
}

#else

/* Racy: each takes another lock. */
static void mutex_first(void)
{
    VALGRIND_HG_MUTEX_INIT_POST(&lock, 0);
    VALGRIND_HG_MUTEX_LOCK_PRE(&lock, 0);
    VALGRIND_HG_MUTEX_LOCK_POST(&lock);
    VALGRIND_HG_MUTEX_LOCK_PRE(&lock, 0); /* once more: it may allow that */
    VALGRIND_HG_MUTEX_LOCK_POST(&lock);
    first();
    VALGRIND_HG_MUTEX_UNLOCK_PRE(&lock);
    VALGRIND_HG_MUTEX_UNLOCK_PRE(&lock);
    VALGRIND_HG_MUTEX_UNLOCK_POST(&lock);
}
static void mutex_second(void)
{
    long *mine = racy ? &other_lock : &lock;
    VALGRIND_HG_MUTEX_LOCK_PRE(mine, 1);
    VALGRIND_HG_MUTEX_LOCK_POST(mine);
    second();
    VALGRIND_HG_MUTEX_UNLOCK_PRE(mine);
    VALGRIND_HG_MUTEX_UNLOCK_POST(mine);
    if (!racy)
        VALGRIND_HG_MUTEX_DESTROY_PRE(mine);
}

/* A mutex of libc's that is announced once more. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static void twice_first(void)
{
    VALGRIND_HG_MUTEX_LOCK_PRE(&mutex, 0);
    pthread_mutex_lock(&mutex);
    VALGRIND_HG_MUTEX_LOCK_POST(&mutex);
    if (!racy)
        first();
    VALGRIND_HG_MUTEX_UNLOCK_PRE(&mutex);
    pthread_mutex_unlock(&mutex);
    VALGRIND_HG_MUTEX_UNLOCK_POST(&mutex);
    if (racy)
        first();
}
static void twice_second(void)
{
    VALGRIND_HG_MUTEX_LOCK_PRE(&mutex, 0);
    pthread_mutex_lock(&mutex);
    VALGRIND_HG_MUTEX_LOCK_POST(&mutex);
    second();
    VALGRIND_HG_MUTEX_UNLOCK_PRE(&mutex);
    pthread_mutex_unlock(&mutex);
    VALGRIND_HG_MUTEX_UNLOCK_POST(&mutex);
}

/* Released by whoever did not take it. */
static void stranger_first(void)
{
    first();
    if (!racy)
        VALGRIND_HG_MUTEX_UNLOCK_PRE(&lock);
}
static void stranger_second(void)
{
    VALGRIND_HG_MUTEX_LOCK_PRE(&lock, 0);
    VALGRIND_HG_MUTEX_LOCK_POST(&lock);
    second();
    VALGRIND_HG_MUTEX_UNLOCK_PRE(&lock);
}

static void semaphore_first(void)
{
    VALGRIND_HG_SEM_INIT_POST(&lock, 0);
    first();
    if (!racy)
        VALGRIND_HG_SEM_POST_PRE(&lock);
}
static void semaphore_second(void)
{
    VALGRIND_HG_SEM_WAIT_POST(&lock);
    second();
    VALGRIND_HG_SEM_DESTROY_PRE(&lock);
}

static void condition_first(void)
{
    first();
    if (!racy)
        DO_CREQ_v_W(_VG_USERREQ__HG_PTHREAD_COND_SIGNAL_PRE, void *, &tag);
}
static void condition_second(void)
{
    DO_CREQ_v_WW(_VG_USERREQ__HG_PTHREAD_COND_WAIT_POST, void *, &tag, void *, &lock);
    second();
}

/* Racy: of three parties only two have come. */
static void barrier_first(void)
{
    VALGRIND_HG_BARRIER_INIT_PRE(&lock, racy ? 3 : 2, 0);
    first();
    VALGRIND_HG_BARRIER_WAIT_PRE(&lock);
}
static void barrier_second(void)
{
    VALGRIND_HG_BARRIER_WAIT_PRE(&lock);
    second();
}

static void forgotten_first(void)
{
    first();
    ANNOTATE_HAPPENS_BEFORE(&tag);
    if (racy)
        ANNOTATE_HAPPENS_BEFORE_FORGET_ALL(&tag);
}
static void forgotten_second(void)
{
    ANNOTATE_HAPPENS_AFTER(&tag);
    second();
}

static void ignored_first(void)
{
    VALGRIND_HG_DISABLE_CHECKING(&place, sizeof place);
    first();
}
static void ignored_second(void)
{
    if (racy)
        VALGRIND_HG_ENABLE_CHECKING(&place, sizeof place);
    second();
}

static void fresh_first(void)
{
    first();
}
static void fresh_second(void)
{
    if (!racy)
        VALGRIND_HG_CLEAN_MEMORY(&place, sizeof place);
    second();
}

#endif

static const struct {
    const char *name;
    void (*first)(void), (*second)(void);
} cases[] = {
    {"early", early_first, early_second},
    {"happens", happens_first, happens_second},
    {"rwlock", rwlock_first, rwlock_second},
    {"benign", benign_first, benign_second},
    {"semaphore", semaphore_first, semaphore_second},
    {"ignored", ignored_first, ignored_second},
    {"fresh", fresh_first, fresh_second},
#ifndef WITH_DRD
    {"mutex", mutex_first, mutex_second},
    {"twice", twice_first, twice_second},
    {"stranger", stranger_first, stranger_second},
    {"condition", condition_first, condition_second},
    {"barrier", barrier_first, barrier_second},
    {"forgotten", forgotten_first, forgotten_second},
#endif
    {"early_again", early_first, early_second}, /* when the program has an image, which tells of its requests */
};

/* Nothing that asks for a result gets another one than without a tool. */
KEPT static void ask(void)
{
    if (RUNNING_ON_VALGRIND != 0 || VALGRIND_DO_CLIENT_REQUEST_EXPR(7, 0x58580001, 0, 0, 0, 0, 0) != 7)
        puts("a result was changed");
}

static void *run_first(void *arg)
{
    ask();
    cases[chosen].first();
    unseen_pass();
    return arg;
}

static void *run_second(void *arg)
{
    unseen_wait();
    cases[chosen].second();
    ask();
    return arg;
}

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    if (cases[chosen].first == early_first)
        cell = &place_of_old;
    return run_both(run_first, run_second);
}
