/* pairs.c: two threads and one place in memory, for every way to put them in order.
 *
 *   pairs CASE        what orders the two is there: nothing may be reported
 *   pairs CASE racy   it is left out: one race, between first() and second()
 *
 * The first thread always acts first (unseen.h), so that a run shows the same thing each time.
 */
#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <threads.h>

#include "accesses.h"
#include "chosen.h"

/* ---- what may stand between them ------------------------------------------------------------------------------------ */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, robust;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_spinlock_t spin;
static pthread_barrier_t barrier;
static sem_t semaphore;
static mtx_t c11_mutex;
static int descriptors[2];
static int event;
static bool is_ready;
static atomic_int flag;
static long awaited;    /* of a size that no _Atomic here has */
static atomic_int gate; /* a lock made by hand */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_t first_thread;

static void mutex_first(void)
{
    if (!racy)
        pthread_mutex_lock(&mutex);
    first();
    if (!racy)
        pthread_mutex_unlock(&mutex);
}
static void mutex_second(void)
{
    if (!racy)
        pthread_mutex_lock(&mutex);
    second();
    if (!racy)
        pthread_mutex_unlock(&mutex);
}

/* Racy: each takes another lock. */
static void c11_first(void)
{
    mtx_lock(&c11_mutex);
    first();
    mtx_unlock(&c11_mutex);
}
static void c11_second(void)
{
    if (racy) {
        pthread_mutex_lock(&mutex);
        second();
        pthread_mutex_unlock(&mutex);
        return;
    }
    mtx_lock(&c11_mutex);
    second();
    mtx_unlock(&c11_mutex);
}

/* Racy: two writers under a lock for reading. */
static void rwlock_first(void)
{
    (racy ? pthread_rwlock_rdlock : pthread_rwlock_wrlock)(&rwlock);
    first();
    pthread_rwlock_unlock(&rwlock);
}
static void rwlock_second(void)
{
    (racy ? pthread_rwlock_rdlock : pthread_rwlock_wrlock)(&rwlock);
    second();
    pthread_rwlock_unlock(&rwlock);
}

static void spin_first(void)
{
    if (!racy)
        pthread_spin_lock(&spin);
    first();
    if (!racy)
        pthread_spin_unlock(&spin);
}
static void spin_second(void)
{
    pthread_spin_lock(&spin);
    second();
    pthread_spin_unlock(&spin);
}

/* The first thread ends with it. */
static void robust_first(void)
{
    if (!racy)
        pthread_mutex_lock(&robust);
    first();
}
static void robust_second(void)
{
    if (pthread_mutex_lock(&robust) == EOWNERDEAD)
        pthread_mutex_consistent(&robust);
    second();
    pthread_mutex_unlock(&robust);
}

static void make_robust(void)
{
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&robust, &kind);
    pthread_mutexattr_destroy(&kind);
}

/* Racy: it signals first and writes afterwards. */
static void cond_first(void)
{
    if (!racy)
        first();
    pthread_mutex_lock(&mutex);
    is_ready = true;
    pthread_cond_signal(&cond);
    pthread_mutex_unlock(&mutex);
    if (racy)
        first();
}
static void cond_second(void)
{
    pthread_mutex_lock(&mutex);
    while (!is_ready)
        pthread_cond_wait(&cond, &mutex);
    pthread_mutex_unlock(&mutex);
    second();
}

static void semaphore_first(void)
{
    if (!racy)
        first();
    sem_post(&semaphore);
    if (racy)
        first();
}
static void semaphore_second(void)
{
    sem_wait(&semaphore);
    second();
}

static void pipe_first(void)
{
    if (!racy)
        first();
    if (write(descriptors[1], "x", 1) != 1)
        abort();
    if (racy)
        first();
}
static void pipe_second(void)
{
    char c;
    if (read(descriptors[0], &c, 1) != 1)
        abort();
    second();
}

static void event_first(void)
{
    eventfd_t one = 1;
    if (!racy)
        first();
    eventfd_write(event, one);
    if (racy)
        first();
}
static void event_second(void)
{
    eventfd_t value;
    eventfd_read(event, &value);
    second();
}

static void atomic_first(void)
{
    if (!racy)
        first();
    atomic_fetch_add(&flag, 1);
    if (racy)
        first();
}
static void atomic_second(void)
{
    while (atomic_fetch_add(&flag, 0) == 0) {
    }
    second();
}

/* By the compiler's built-in operations on what is no atomic type; racy: after that. */
static int published;
static void builtin_first(void)
{
    if (!racy)
        first();
    __atomic_store_n(&published, 1, __ATOMIC_RELEASE);
    if (racy)
        first();
}
static void builtin_second(void)
{
    if (__atomic_load_n(&published, __ATOMIC_ACQUIRE))
        second();
}

/* A spin lock made of an exchange and a plain (release) store. */
static void exchange_first(void)
{
    while (atomic_exchange(&gate, 1) != 0) {
    }
    if (!racy)
        first();
    atomic_store_explicit(&gate, 0, memory_order_release);
    if (racy)
        first();
}
static void exchange_second(void)
{
    while (atomic_exchange(&gate, 1) != 0) {
    }
    second();
    atomic_store_explicit(&gate, 0, memory_order_release);
}

/* A plain variable that a loop waits for: it hands over what was done before, and races all the same. */
static void wait_first(void)
{
    if (!racy)
        first();
    *(volatile long *)&awaited = 1;
    if (racy)
        first();
}
static void wait_second(void)
{
    while (*(volatile long *)&awaited == 0)
        sched_yield();
    second();
}

static void once_first(void)
{
    if (racy)
        first();
    else
        pthread_once(&once, first);
}
static void once_second(void)
{
    if (!racy)
        pthread_once(&once, first);
    second();
}

static void join_first(void)
{
    first();
}
static void join_second(void)
{
    if (!racy)
        pthread_join(first_thread, NULL);
    second();
}

static void barrier_first(void)
{
    if (!racy)
        first();
    pthread_barrier_wait(&barrier);
    if (racy)
        first();
}
static void barrier_second(void)
{
    pthread_barrier_wait(&barrier);
    second();
}

/* Neighbours in one word are no race; clean form. */
static char bytes[8];
static void bytes_first(void)
{
    if (racy)
        first();
    *(volatile char *)&bytes[3] = 1;
}
static void bytes_second(void)
{
    *(volatile char *)&bytes[4] = 2;
    if (racy)
        second();
}

/* Two readers. */
static long sink;
static void readers_first(void)
{
    if (racy)
        first();
    else
        sink = *(volatile long *)cell;
}
static void readers_second(void)
{
    if (racy)
        second();
    else
        (void)*(volatile long *)cell;
}

/* A load that is made whatever the condition, and thrown away where that does not hold. */
KEPT static void select_second(void)
{
    long value = 0;
    __asm__ volatile("test %2, %2\n\tcmovne %1, %0" : "+r"(value) : "m"(*cell), "r"((long)racy) : "cc");
    sink = value;
}

/* libc writes on the program's behalf. */
static char buffer[64];
KEPT static void copy_first(void)
{
    if (racy)
        memset(buffer, 'a', (size_t)(*(volatile int *)&unseen_pipe[0] > 0 ? 64 : 1));
}
KEPT static void copy_second(void)
{
    *(volatile char *)&buffer[40] = 'b';
}

/* Freed while the other still uses it. */
static long *block;
static void free_first(void)
{
    *(volatile long *)block = 3;
}
KEPT static void free_second(void)
{
    if (!racy)
        pthread_join(first_thread, NULL);
    free(block);
}

static const struct {
    const char *name;
    void (*first)(void), (*second)(void);
    bool free_running; /* the threads order themselves */
    bool joins;        /* the second joins the first */
} cases[] = {
    {"mutex", mutex_first, mutex_second, false, false},
    {"c11", c11_first, c11_second, false, false},
    {"rwlock", rwlock_first, rwlock_second, false, false},
    {"spin", spin_first, spin_second, false, false},
    {"robust", robust_first, robust_second, false, false},
    {"cond", cond_first, cond_second, false, false},
    {"semaphore", semaphore_first, semaphore_second, false, false},
    {"pipe", pipe_first, pipe_second, false, false},
    {"event", event_first, event_second, false, false},
    {"atomic", atomic_first, atomic_second, false, false},
    {"builtin", builtin_first, builtin_second, false, false},
    {"exchange", exchange_first, exchange_second, false, false},
    {"wait", wait_first, wait_second, false, false},
    {"once", once_first, once_second, false, false},
    {"join", join_first, join_second, false, true},
    {"barrier", barrier_first, barrier_second, true, false},
    {"bytes", bytes_first, bytes_second, false, false},
    {"readers", readers_first, readers_second, false, false},
    {"select", first, select_second, false, false},
    {"copy", copy_first, copy_second, false, false},
    {"free", free_first, free_second, false, true},
};

static void *run_first(void *arg)
{
    cases[chosen].first();
    unseen_pass();
    return arg;
}

static void *run_second(void *arg)
{
    if (!cases[chosen].free_running)
        unseen_wait();
    cases[chosen].second();
    return arg;
}

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    if (pipe(descriptors) != 0)
        return 2;
    event = eventfd(0, 0);
    block = malloc(sizeof *block);
    make_robust();
    pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
    pthread_barrier_init(&barrier, NULL, 2);
    sem_init(&semaphore, 0, 0);
    mtx_init(&c11_mutex, mtx_plain);

    pthread_t second_thread;
    pthread_create(&first_thread, NULL, run_first, NULL);
    pthread_create(&second_thread, NULL, run_second, NULL);
    if (!cases[chosen].joins || racy)
        pthread_join(first_thread, NULL);
    pthread_join(second_thread, NULL);
    return say_done();
}
