/* bench.c: what each primitive costs beside the bare construct it replaces, and beside GLib's counterpart.
 *
 *   lhp-bench [REPEATS [NAME]]          only the rows whose name begins with NAME
 *
 * Nanoseconds an operation, from short slices that alternate between the candidates, so that other work on the machine
 * falls on all of them.  "1" is uncontended (while another thread exists, so that libc takes no single-threaded short
 * cuts): the best slice.  "2" is two threads on the same object: the median slice, as its best
 * one would be one in which they did not meet.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lhp/barrier.h>
#include <lhp/condition.h>
#include <lhp/event.h>
#include <lhp/executor.h>
#include <lhp/local.h>
#include <lhp/lock.h>
#include <lhp/once.h>
#include <lhp/queue.h>
#include <lhp/rlock.h>
#include <lhp/rwlock.h>
#include <lhp/semaphore.h>
#include <lhp/shared.h>
#include <lhp/thread.h>
#ifdef LHP_BENCH_GLIB
#include <glib.h>
#endif

/* One side of a comparison: `n` operations in role 0 or 1 (different for hand-overs, alike for locks). */
typedef void run_fn(long n, int role);

struct row {
    const char *name, *bare_name;
    long n;
    int threads;
    run_fn *ours, *bare, *glib;
};

#define LOOP(name, body)                                                                                               \
    static void name(long n, int role)                                                                                 \
    {                                                                                                                  \
        (void)role;                                                                                                    \
        for (long i = 0; i < n; i++)                                                                                   \
            do {                                                                                                       \
                body                                                                                                   \
            } while (0);                                                                                               \
    }

/* The objects, made once by setup(). */
static struct {
    struct lhp_lock lock;
    struct lhp_rlock rlock;
    struct lhp_semaphore semaphore;
    struct lhp_bounded bounded;
    struct lhp_rwlock rwlock;
    struct lhp_event event;
    struct lhp_condition condition;
    struct lhp_barrier barrier;
    struct lhp_once once;
    struct lhp_local local;
    struct lhp_queue queue, bounded_queue;
    struct lhp_shared_rlock *shared_rlock;
    struct lhp_shared_lock *shared_lock;
    struct lhp_executor *executor;
    int turn;
} lhp = {.once = LHP_ONCE_INITIALIZER};

static struct {
    sem_t sem;
    pthread_mutex_t mutex, recursive, guard, robust, turn_mutex;
    pthread_cond_t cond, turn_cond;
    pthread_rwlock_t rwlock;
    pthread_barrier_t barrier;
    pthread_once_t once;
    pthread_key_t key;
    unsigned value, bound;
    bool flag;
    int turn;
    void *ring[1024];
    unsigned head, size;
    pthread_cond_t not_empty, not_full;
} bare = {.mutex = PTHREAD_MUTEX_INITIALIZER,
          .guard = PTHREAD_MUTEX_INITIALIZER,
          .turn_mutex = PTHREAD_MUTEX_INITIALIZER,
          .cond = PTHREAD_COND_INITIALIZER,
          .turn_cond = PTHREAD_COND_INITIALIZER,
          .once = PTHREAD_ONCE_INIT,
          .value = 1,
          .bound = 1,
          .not_empty = PTHREAD_COND_INITIALIZER,
          .not_full = PTHREAD_COND_INITIALIZER};

/* ---- locks */
LOOP(lock_ours, lhp_lock_acquire(&lhp.lock); lhp_lock_release(&lhp.lock);)
LOOP(sem_bare, sem_wait(&bare.sem); sem_post(&bare.sem);)
LOOP(rlock_ours, lhp_rlock_acquire(&lhp.rlock); lhp_rlock_release(&lhp.rlock);)
LOOP(rlock_bare, pthread_mutex_lock(&bare.recursive); pthread_mutex_unlock(&bare.recursive);)
LOOP(semaphore_ours, lhp_semaphore_acquire(&lhp.semaphore); lhp_semaphore_release(&lhp.semaphore, 1);)
LOOP(bounded_ours, lhp_bounded_acquire(&lhp.bounded); lhp_bounded_release(&lhp.bounded, 1);)
LOOP(shared_ours, lhp_rwlock_acquire_shared(&lhp.rwlock); lhp_rwlock_release_shared(&lhp.rwlock);)
LOOP(shared_bare, pthread_rwlock_rdlock(&bare.rwlock); pthread_rwlock_unlock(&bare.rwlock);)
LOOP(exclusive_ours, lhp_rwlock_acquire_exclusive(&lhp.rwlock); lhp_rwlock_release_exclusive(&lhp.rwlock);)
LOOP(exclusive_bare, pthread_rwlock_wrlock(&bare.rwlock); pthread_rwlock_unlock(&bare.rwlock);)
LOOP(pshared_ours, lhp_shared_rlock_acquire(lhp.shared_rlock); lhp_shared_rlock_release(lhp.shared_rlock);)
LOOP(pshared_bare, pthread_mutex_lock(&bare.robust); pthread_mutex_unlock(&bare.robust);)
LOOP(pslock_ours, lhp_shared_lock_acquire(lhp.shared_lock); lhp_shared_lock_release(lhp.shared_lock);)

/* The constructions out of a mutex and a condition variable that people write by hand. */
static void counted_acquire(pthread_mutex_t *guard)
{
    pthread_mutex_lock(guard);
    while (bare.value == 0)
        pthread_cond_wait(&bare.cond, guard);
    bare.value--;
    pthread_mutex_unlock(guard);
}

static void counted_release(pthread_mutex_t *guard)
{
    pthread_mutex_lock(guard);
    if (bare.value < bare.bound)
        bare.value++;
    pthread_cond_signal(&bare.cond);
    pthread_mutex_unlock(guard);
}

LOOP(bounded_bare, counted_acquire(&bare.guard); counted_release(&bare.guard);)
LOOP(pslock_bare, counted_acquire(&bare.robust); counted_release(&bare.robust);)

LOOP(event_ours, lhp_event_set(&lhp.event); lhp_event_clear(&lhp.event);)

static void flag_set(bool to)
{
    pthread_mutex_lock(&bare.guard);
    bare.flag = to;
    if (to)
        pthread_cond_broadcast(&bare.cond);
    pthread_mutex_unlock(&bare.guard);
}

LOOP(event_bare, flag_set(true); flag_set(false);)

static int do_nothing(void *arg)
{
    (void)arg;
    return 0;
}

static void do_nothing_once(void)
{
}

LOOP(once_ours, lhp_once_call(&lhp.once, do_nothing, NULL);)
LOOP(once_bare, pthread_once(&bare.once, do_nothing_once);)

static volatile long sink;

LOOP(local_ours, sink = *(long *)lhp_local_get(&lhp.local);)
LOOP(local_bare, sink = *(long *)pthread_getspecific(bare.key);)

/* ---- meetings and hand-overs between two threads */
LOOP(barrier_ours, lhp_barrier_wait(&lhp.barrier, NULL);)
LOOP(barrier_bare, pthread_barrier_wait(&bare.barrier);)

static void turns_ours(long n, int role)
{
    for (long i = 0; i < n; i++) {
        lhp_condition_acquire(&lhp.condition);
        while (lhp.turn != role)
            lhp_condition_wait(&lhp.condition);
        lhp.turn = !role;
        lhp_condition_notify(&lhp.condition, 1);
        lhp_condition_release(&lhp.condition);
    }
}

static void turns_bare(long n, int role)
{
    for (long i = 0; i < n; i++) {
        pthread_mutex_lock(&bare.turn_mutex);
        while (bare.turn != role)
            pthread_cond_wait(&bare.turn_cond, &bare.turn_mutex);
        bare.turn = !role;
        pthread_cond_signal(&bare.turn_cond);
        pthread_mutex_unlock(&bare.turn_mutex);
    }
}

static void queue_run(struct lhp_queue *q, long n, int role)
{
    void *item;
    for (long i = 0; i < n; i++)
        if ((role ? lhp_queue_get(q, &item) : lhp_queue_put(q, q)) != LHP_OK)
            abort();
}

static void queue_ours(long n, int role)
{
    queue_run(&lhp.queue, n, role);
}

static void bounded_queue_ours(long n, int role)
{
    queue_run(&lhp.bounded_queue, n, role);
}

static void ring_put(void *item)
{
    pthread_mutex_lock(&bare.guard);
    while (bare.size == 1024)
        pthread_cond_wait(&bare.not_full, &bare.guard);
    bare.ring[(bare.head + bare.size++) % 1024] = item;
    pthread_cond_signal(&bare.not_empty);
    pthread_mutex_unlock(&bare.guard);
}

static void *ring_get(void)
{
    pthread_mutex_lock(&bare.guard);
    while (bare.size == 0)
        pthread_cond_wait(&bare.not_empty, &bare.guard);
    void *item = bare.ring[bare.head];
    bare.head = (bare.head + 1) % 1024;
    bare.size--;
    pthread_cond_signal(&bare.not_full);
    pthread_mutex_unlock(&bare.guard);
    return item;
}

static void queue_bare(long n, int role)
{
    for (long i = 0; i < n; i++)
        if (role)
            sink = ring_get() != NULL;
        else
            ring_put(&bare);
}

/* One thread puts an item and gets it back. */
static void queue_alone(struct lhp_queue *q, long n)
{
    void *item;
    for (long i = 0; i < n; i++)
        if (lhp_queue_put(q, q) != LHP_OK || lhp_queue_get(q, &item) != LHP_OK)
            abort();
}

static void queue_ours_alone(long n, int role)
{
    (void)role;
    queue_alone(&lhp.queue, n);
}

static void bounded_queue_ours_alone(long n, int role)
{
    (void)role;
    queue_alone(&lhp.bounded_queue, n);
}

LOOP(queue_bare_alone, ring_put(&bare); sink = ring_get() != NULL;)

/* ---- threads and tasks */
LOOP(thread_ours, struct lhp_thread *t = lhp_thread_new(do_nothing, NULL, NULL);
     if (!t || lhp_thread_start(t) != LHP_OK) abort(); lhp_thread_join(t); lhp_thread_release(t);)

static void *thread_nothing(void *arg)
{
    return arg;
}

LOOP(thread_bare, pthread_t t; if (pthread_create(&t, NULL, thread_nothing, NULL) != 0) abort(); pthread_join(t, NULL);)

static int task_nothing(void *arg, void **result)
{
    *result = arg;
    return 0;
}

static void executor_ours(long n, int role)
{
    struct lhp_future *last = NULL;
    (void)role;
    for (long i = 0; i < n; i++) {
        if (last)
            lhp_future_release(last);
        if (lhp_executor_submit(lhp.executor, task_nothing, NULL, &last) != LHP_OK)
            abort();
    }
    lhp_future_result(last, NULL);
    lhp_future_release(last);
}

#ifdef LHP_BENCH_GLIB
static GMutex g_mutex;
static GRecMutex g_recursive;
static GRWLock g_rwlock;
static GOnce g_one = G_ONCE_INIT;
static GMutex g_turn_mutex;
static GCond g_turn_cond;
static GAsyncQueue *g_queue;
static GThreadPool *g_pool;
static GPrivate g_key;

LOOP(lock_glib, g_mutex_lock(&g_mutex); g_mutex_unlock(&g_mutex);)
LOOP(rlock_glib, g_rec_mutex_lock(&g_recursive); g_rec_mutex_unlock(&g_recursive);)
LOOP(shared_glib, g_rw_lock_reader_lock(&g_rwlock); g_rw_lock_reader_unlock(&g_rwlock);)
LOOP(exclusive_glib, g_rw_lock_writer_lock(&g_rwlock); g_rw_lock_writer_unlock(&g_rwlock);)

static gpointer g_nothing(gpointer arg)
{
    return arg;
}

LOOP(once_glib, g_once(&g_one, g_nothing, NULL);)
LOOP(local_glib, sink = *(long *)g_private_get(&g_key);)
LOOP(thread_glib, g_thread_join(g_thread_new("x", g_nothing, NULL));)

static void turns_glib(long n, int role)
{
    for (long i = 0; i < n; i++) {
        g_mutex_lock(&g_turn_mutex);
        while (bare.turn != role)
            g_cond_wait(&g_turn_cond, &g_turn_mutex);
        bare.turn = !role;
        g_cond_signal(&g_turn_cond);
        g_mutex_unlock(&g_turn_mutex);
    }
}

static void queue_glib(long n, int role)
{
    for (long i = 0; i < n; i++)
        if (role)
            sink = g_async_queue_pop(g_queue) != NULL;
        else
            g_async_queue_push(g_queue, g_queue);
}

LOOP(queue_glib_alone, g_async_queue_push(g_queue, g_queue); sink = g_async_queue_pop(g_queue) != NULL;)

static void pool_nothing(gpointer item, gpointer arg)
{
    (void)item;
    (void)arg;
}

static void executor_glib(long n, int role)
{
    (void)role;
    for (long i = 0; i < n; i++)
        g_thread_pool_push(g_pool, g_pool, NULL);
    while (g_thread_pool_unprocessed(g_pool) > 0)
        g_usleep(10);
}

#define GLIB(fn) fn
#else
#define GLIB(fn) NULL
#endif

static const struct row rows[] = {
    {"Lock", "sem_t", 2000000, 1, lock_ours, sem_bare, GLIB(lock_glib)},
    {"Lock", "sem_t", 1000000, 2, lock_ours, sem_bare, GLIB(lock_glib)},
    {"RLock", "recursive mutex", 2000000, 1, rlock_ours, rlock_bare, GLIB(rlock_glib)},
    {"RLock", "recursive mutex", 1000000, 2, rlock_ours, rlock_bare, GLIB(rlock_glib)},
    {"Semaphore", "sem_t", 2000000, 1, semaphore_ours, sem_bare, NULL},
    {"Semaphore", "sem_t", 1000000, 2, semaphore_ours, sem_bare, NULL},
    {"BoundedSemaphore", "mutex + cond + count", 2000000, 1, bounded_ours, bounded_bare, NULL},
    {"BoundedSemaphore", "mutex + cond + count", 1000000, 2, bounded_ours, bounded_bare, NULL},
    {"RWLock shared", "pthread_rwlock_t", 2000000, 1, shared_ours, shared_bare, GLIB(shared_glib)},
    {"RWLock shared", "pthread_rwlock_t", 1000000, 2, shared_ours, shared_bare, GLIB(shared_glib)},
    {"RWLock exclusive", "pthread_rwlock_t", 2000000, 1, exclusive_ours, exclusive_bare, GLIB(exclusive_glib)},
    {"RWLock exclusive", "pthread_rwlock_t", 1000000, 2, exclusive_ours, exclusive_bare, GLIB(exclusive_glib)},
    {"Event set + clear", "mutex + cond + flag", 1000000, 1, event_ours, event_bare, NULL},
    {"Event set + clear", "mutex + cond + flag", 1000000, 2, event_ours, event_bare, NULL},
    {"Once, done", "pthread_once", 5000000, 1, once_ours, once_bare, GLIB(once_glib)},
    {"thread-local data", "pthread_getspecific", 5000000, 1, local_ours, local_bare, GLIB(local_glib)},
    {"Condition, turns", "pthread_cond_t", 20000, 2, turns_ours, turns_bare, GLIB(turns_glib)},
    {"Barrier", "pthread_barrier_t", 20000, 2, barrier_ours, barrier_bare, NULL},
    {"Queue put + get", "mutex + 2 conds + ring", 1000000, 1, queue_ours_alone, queue_bare_alone,
     GLIB(queue_glib_alone)},
    {"Queue, limit 1024", "mutex + 2 conds + ring", 1000000, 1, bounded_queue_ours_alone, queue_bare_alone,
     GLIB(queue_glib_alone)},
    {"Queue", "mutex + 2 conds + ring", 1000000, 2, queue_ours, queue_bare, GLIB(queue_glib)},
    {"Queue, limit 1024", "mutex + 2 conds + ring", 1000000, 2, bounded_queue_ours, queue_bare, GLIB(queue_glib)},
    {"Thread start + join", "pthread_create + join", 3000, 1, thread_ours, thread_bare, GLIB(thread_glib)},
    {"Executor submit", "", 50000, 1, executor_ours, NULL, GLIB(executor_glib)},
    {"shared RLock", "robust mutex", 2000000, 1, pshared_ours, pshared_bare, NULL},
    {"shared Lock", "robust mutex + cond + flag", 500000, 1, pslock_ours, pslock_bare, NULL},
};

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void setup_locks(void)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&bare.recursive, &attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&bare.robust, &attr);
    pthread_mutexattr_destroy(&attr);
    pthread_rwlockattr_t fair; /* what RWLock replaces is a lock that writers can get */
    pthread_rwlockattr_init(&fair);
    pthread_rwlockattr_setkind_np(&fair, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&bare.rwlock, &fair);
    pthread_rwlockattr_destroy(&fair);
}

static void setup(void)
{
    static long datum;
    lhp_lock_init(&lhp.lock);
    lhp_rlock_init(&lhp.rlock);
    must(lhp_semaphore_init(&lhp.semaphore, 1) == LHP_OK && lhp_bounded_init(&lhp.bounded, 1) == LHP_OK);
    lhp_rwlock_init(&lhp.rwlock);
    lhp_event_init(&lhp.event);
    lhp_condition_init(&lhp.condition);
    must(lhp_barrier_init(&lhp.barrier, 2, NULL, NULL) == LHP_OK);
    must(lhp_local_init(&lhp.local, sizeof(long), NULL, NULL, NULL) == LHP_OK);
    must(lhp_queue_init(&lhp.queue, LHP_QUEUE_FIFO, 0, NULL, NULL) == LHP_OK);
    must(lhp_queue_init(&lhp.bounded_queue, LHP_QUEUE_FIFO, 1024, NULL, NULL) == LHP_OK);
    lhp.shared_rlock = lhp_shared_alloc(sizeof(*lhp.shared_rlock));
    lhp.shared_lock = lhp_shared_alloc(sizeof(*lhp.shared_lock));
    must(lhp.shared_rlock && lhp.shared_lock);
    lhp_shared_rlock_init(lhp.shared_rlock);
    lhp_shared_lock_init(lhp.shared_lock);
    lhp.executor = lhp_executor_new(&(struct lhp_executor_options){.max_workers = 1});
    must(lhp.executor != NULL);
    setup_locks();
    sem_init(&bare.sem, 0, 1);
    pthread_barrier_init(&bare.barrier, NULL, 2);
    pthread_key_create(&bare.key, NULL);
    pthread_setspecific(bare.key, &datum);
#ifdef LHP_BENCH_GLIB
    g_queue = g_async_queue_new();
    g_pool = g_thread_pool_new(pool_nothing, NULL, 1, TRUE, NULL);
    g_private_set(&g_key, &datum);
#endif
}

struct half {
    run_fn *run;
    long n;
    pthread_barrier_t *start;
};

static void *second_half(void *arg)
{
    struct half *h = arg;
    pthread_barrier_wait(h->start);
    h->run(h->n, 1);
    return NULL;
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Units: ns an operation of one thread. */
static double measure(run_fn *run, long n, int threads)
{
    pthread_barrier_t start;
    struct half h = {run, n, &start};
    pthread_t second;
    pthread_barrier_init(&start, NULL, 2);
    if (threads == 2)
        pthread_create(&second, NULL, second_half, &h);
    if (threads == 2)
        pthread_barrier_wait(&start);
    double begin = now_ns();
    run(n, 0);
    if (threads == 2)
        pthread_join(second, NULL);
    double took = now_ns() - begin;
    pthread_barrier_destroy(&start);
    return took / (double)n;
}

/* One candidate of a row, and what its slices took. */
struct candidate {
    run_fn *run;
    double *slices;
};

static int compare_slices(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Returns: the least of them where one thread was alone, else the median.  Sorts them. */
static double typical(double *values, size_t count, int threads)
{
    qsort(values, count, sizeof(*values), compare_slices);
    return values[threads == 1 ? 0 : count / 2];
}

/* Two threads meet as the machine lets them, which changes from one second to the next: only slices that were run one after the
 * other are compared. */
static double ratio_of(const struct candidate *ours, const struct candidate *other, size_t slices)
{
    double *ratios = calloc(slices, sizeof(double));
    must(ratios != NULL);
    for (size_t i = 0; i < slices; i++)
        ratios[i] = ours->slices[i] / other->slices[i];
    double ratio = typical(ratios, slices, 2);
    free(ratios);
    return ratio;
}

/* Fills ns and the ratios of the first candidate to each.  Units: ns an operation; 0 without a candidate. */
static void sum_up(struct candidate *c, size_t candidates, size_t slices, int threads, double *ns, double *ratio)
{
    for (size_t who = 0; who < candidates; who++)
        ratio[who] = c[who].run && threads == 2 ? ratio_of(&c[0], &c[who], slices) : 0;
    for (size_t who = 0; who < candidates; who++) {
        ns[who] = c[who].run ? typical(c[who].slices, slices, threads) : 0;
        if (threads == 1 && c[who].run)
            ratio[who] = ns[0] / ns[who];
        free(c[who].slices);
    }
}

static void print_row(const struct row *row, size_t repeats)
{
    enum { OURS, BARE, GLIB_S, CANDIDATES, SLICES_A_REPEAT = 10 };
    size_t slices = repeats * SLICES_A_REPEAT;
    struct candidate c[CANDIDATES] = {
        [OURS] = {.run = row->ours}, [BARE] = {.run = row->bare}, [GLIB_S] = {.run = row->glib}};
    double ns[CANDIDATES], ratio[CANDIDATES];
    for (int who = 0; who < CANDIDATES; who++)
        must((c[who].slices = calloc(slices, sizeof(double))) != NULL);
    for (size_t i = 0; i < slices; i++)
        for (int who = 0; who < CANDIDATES; who++)
            if (c[who].run)
                c[who].slices[i] = measure(c[who].run, row->n / SLICES_A_REPEAT, row->threads);
    sum_up(c, CANDIDATES, slices, row->threads, ns, ratio);
    printf("| %-19s | %d | %9.1f |", row->name, row->threads, ns[OURS]);
    if (row->bare)
        printf(" %-26s | %9.1f | %5.2f |", row->bare_name, ns[BARE], ratio[BARE]);
    else
        printf(" %-26s | %9s | %5s |", "", "", "");
    if (row->glib)
        printf(" %9.1f | %5.2f |\n", ns[GLIB_S], ratio[GLIB_S]);
    else
        printf(" %9s | %5s |\n", "", "");
    fflush(stdout);
}

static void *wait_for_ever(void *arg)
{
    sem_wait(arg);
    return NULL;
}

int main(int argc, char **argv)
{
    int repeats = argc > 1 ? atoi(argv[1]) : 7;
    const char *only = argc > 2 ? argv[2] : "";
    static sem_t never;
    pthread_t bystander;
    setup();
    sem_init(&never, 0, 0);
    must(pthread_create(&bystander, NULL, wait_for_ever, &never) == 0);
    printf("| primitive           | threads | ns | in place of                | ns        | ratio | GLib ns   | ratio "
           "|\n");
    printf("|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strncmp(rows[i].name, only, strlen(only)) == 0)
            print_row(&rows[i], repeats > 0 ? (size_t)repeats : 1);
    sem_post(&never);
    pthread_join(bystander, NULL);
    return 0;
}
