/* lock_bench.c: what one synchronisation operation costs; the same source runs bare and under every tool.
 *
 *   lock_bench CASE...   prints "CASE ns" per case: time of one operation of one thread
 *
 * Model:  a case runs in rounds that double until one takes long enough to be measured; the best of three such rounds
 *         counts, since whatever disturbs a round only makes it slower.
 * Note:   with two threads the time is from the first one's start to the last one's end, by their own clocks: a tool that
 *         runs one thread at a time may run a worker to its end before whoever started it.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NESTED_LOCKS = 8, DEEP_FRAMES = 24, ROUNDS = 3, MAX_THREADS = 2 };

static const uint64_t round_ns = 50 * 1000 * 1000;

struct padded_mutex {
    _Alignas(64) pthread_mutex_t mutex; /* a cache line for itself */
};

struct padded_atomic {
    _Alignas(64) atomic_long number;
};

struct shared {
    _Alignas(64) pthread_mutex_t mutex;
    struct padded_mutex own[MAX_THREADS];
    _Alignas(64) pthread_mutex_t nested[NESTED_LOCKS];
    pthread_rwlock_t rwlock;
    pthread_spinlock_t spin;
    sem_t semaphore;
    sem_t ping, pong;
    pthread_cond_t turned;
    int turn;
    pthread_barrier_t ready;
    struct padded_atomic atomic[MAX_THREADS];
    _Alignas(64) long counter; /* under the mutex */
};

static struct shared shared = {
    .mutex = PTHREAD_MUTEX_INITIALIZER,
    .own = {{PTHREAD_MUTEX_INITIALIZER}, {PTHREAD_MUTEX_INITIALIZER}},
    .rwlock = PTHREAD_RWLOCK_INITIALIZER,
    .turned = PTHREAD_COND_INITIALIZER,
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- the cases: `count` operations by thread `me` --------------------------------------------------------------- */

static void mutex_1(int me, uint64_t count)
{
    (void)me;
    for (uint64_t i = 0; i < count; i++) {
        pthread_mutex_lock(&shared.mutex);
        pthread_mutex_unlock(&shared.mutex);
    }
}

static void mutex_8(int me, uint64_t count)
{
    (void)me;
    for (int i = 0; i < NESTED_LOCKS - 1; i++)
        pthread_mutex_lock(&shared.nested[i]);
    for (uint64_t i = 0; i < count; i++) {
        pthread_mutex_lock(&shared.nested[NESTED_LOCKS - 1]);
        pthread_mutex_unlock(&shared.nested[NESTED_LOCKS - 1]);
    }
    for (int i = NESTED_LOCKS - 1; i-- > 0;)
        pthread_mutex_unlock(&shared.nested[i]);
}

static __attribute__((noinline)) void deeper(int frames, uint64_t count)
{
    if (frames == 0)
        mutex_1(0, count);
    else
        deeper(frames - 1, count);
    __asm__ volatile(""); /* keeps the call above from becoming a jump */
}

static void mutex_deep(int me, uint64_t count)
{
    (void)me;
    deeper(DEEP_FRAMES, count);
}

#define SITE(name)                                                                                                     \
    static __attribute__((noinline)) void name(void)                                                                   \
    {                                                                                                                  \
        pthread_mutex_lock(&shared.mutex);                                                                             \
        pthread_mutex_unlock(&shared.mutex);                                                                           \
    }
SITE(site_0)
SITE(site_1)
SITE(site_2)
SITE(site_3)

static void mutex_4_sites(int me, uint64_t count)
{
    (void)me;
    static void (*const sites[])(void) = {site_0, site_1, site_2, site_3};
    for (uint64_t i = 0; i < count; i++)
        sites[i % 4]();
}

static void mutex_two_threads_two_locks(int me, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        pthread_mutex_lock(&shared.own[me].mutex);
        pthread_mutex_unlock(&shared.own[me].mutex);
    }
}

static void trylock(int me, uint64_t count)
{
    (void)me;
    for (uint64_t i = 0; i < count; i++)
        if (pthread_mutex_trylock(&shared.mutex) == 0)
            pthread_mutex_unlock(&shared.mutex);
}

static void rwlock_read(int me, uint64_t count)
{
    (void)me;
    for (uint64_t i = 0; i < count; i++) {
        pthread_rwlock_rdlock(&shared.rwlock);
        pthread_rwlock_unlock(&shared.rwlock);
    }
}

static void rwlock_write(int me, uint64_t count)
{
    (void)me;
    for (uint64_t i = 0; i < count; i++) {
        pthread_rwlock_wrlock(&shared.rwlock);
        pthread_rwlock_unlock(&shared.rwlock);
    }
}

static void spin(int me, uint64_t count)
{
    (void)me;
    for (uint64_t i = 0; i < count; i++) {
        pthread_spin_lock(&shared.spin);
        pthread_spin_unlock(&shared.spin);
    }
}

static void semaphore(int me, uint64_t count)
{
    (void)me;
    for (uint64_t i = 0; i < count; i++) {
        sem_wait(&shared.semaphore);
        sem_post(&shared.semaphore);
    }
}

static void semaphore_ping_pong(int me, uint64_t count)
{
    sem_t *mine = me == 0 ? &shared.ping : &shared.pong;
    sem_t *theirs = me == 0 ? &shared.pong : &shared.ping;
    for (uint64_t i = 0; i < count; i++) {
        sem_wait(mine);
        sem_post(theirs);
    }
}

static void cond_ping_pong(int me, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        pthread_mutex_lock(&shared.mutex);
        while (shared.turn != me)
            pthread_cond_wait(&shared.turned, &shared.mutex);
        shared.turn = 1 - me;
        pthread_cond_signal(&shared.turned);
        pthread_mutex_unlock(&shared.mutex);
    }
}

static void atomic_loads(int me, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        (void)atomic_load_explicit(&shared.atomic[me].number, memory_order_acquire);
}

static void atomic_stores(int me, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        atomic_store_explicit(&shared.atomic[me].number, (long)i, memory_order_release);
}

static void atomic_add(int me, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        atomic_fetch_add(&shared.atomic[me].number, 1);
}

static void atomic_add_one(int me, uint64_t count)
{
    (void)me;
    atomic_add(0, count);
}

static void count_locked(int me, uint64_t count)
{
    (void)me;
    for (uint64_t i = 0; i < count; i++) {
        pthread_mutex_lock(&shared.mutex);
        shared.counter++;
        pthread_mutex_unlock(&shared.mutex);
    }
}

static void *nothing(void *argument)
{
    return argument;
}

static void thread_create_join(int me, uint64_t count)
{
    (void)me;
    for (uint64_t i = 0; i < count; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, nothing, NULL) != 0)
            abort();
        pthread_join(thread, NULL);
    }
}

struct bench_case {
    const char *name;
    int threads;
    void (*run)(int me, uint64_t count);
};

static const struct bench_case cases[] = {
    {"mutex_1", 1, mutex_1},
    {"mutex_8", 1, mutex_8},
    {"mutex_deep", 1, mutex_deep},
    {"mutex_4_sites", 1, mutex_4_sites},
    {"mutex_two_threads_two_locks", 2, mutex_two_threads_two_locks},
    {"mutex_contended", 2, mutex_1},
    {"trylock", 1, trylock},
    {"rwlock_read", 1, rwlock_read},
    {"rwlock_write", 1, rwlock_write},
    {"rwlock_two_readers", 2, rwlock_read},
    {"spin", 1, spin},
    {"semaphore", 1, semaphore},
    {"semaphore_ping_pong", 2, semaphore_ping_pong},
    {"cond_ping_pong", 2, cond_ping_pong},
    {"thread_create_join", 1, thread_create_join},
    {"atomic_load", 1, atomic_loads},
    {"atomic_store", 1, atomic_stores},
    {"atomic_add", 1, atomic_add},
    {"atomic_add_own", 2, atomic_add},
    {"atomic_add_shared", 2, atomic_add_one},
    {"count_locked", 1, count_locked},
    {"count_locked_shared", 2, count_locked},
};

/* ---- running one case ------------------------------------------------------------------------------------------- */

struct worker {
    const struct bench_case *bench;
    uint64_t count;
    int me;
    uint64_t begin_ns, end_ns;
};

static void *work(void *argument)
{
    struct worker *worker = argument;
    pthread_barrier_wait(&shared.ready);
    worker->begin_ns = now_ns();
    worker->bench->run(worker->me, worker->count);
    worker->end_ns = now_ns();
    return NULL;
}

/* Returns: the time that `count` operations of each of the case's threads took.  Units: ns. */
static uint64_t time_round(const struct bench_case *bench, uint64_t count)
{
    pthread_t threads[MAX_THREADS];
    struct worker workers[MAX_THREADS];

    pthread_barrier_init(&shared.ready, NULL, (unsigned)bench->threads);
    for (int i = 0; i < bench->threads; i++) {
        workers[i] = (struct worker){.bench = bench, .count = count, .me = i};
        if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0)
            abort();
    }
    uint64_t begin = UINT64_MAX, end = 0;
    for (int i = 0; i < bench->threads; i++) {
        pthread_join(threads[i], NULL);
        begin = workers[i].begin_ns < begin ? workers[i].begin_ns : begin;
        end = workers[i].end_ns > end ? workers[i].end_ns : end;
    }
    pthread_barrier_destroy(&shared.ready);
    return end - begin;
}

static double ns_per_operation(const struct bench_case *bench)
{
    uint64_t count = 64;
    uint64_t took = time_round(bench, count);
    while (took < round_ns) {
        count *= 2;
        took = time_round(bench, count);
    }
    for (int i = 1; i < ROUNDS; i++) {
        uint64_t again = time_round(bench, count);
        took = again < took ? again : took;
    }
    return (double)took / (double)count;
}

static const struct bench_case *case_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (strcmp(cases[i].name, name) == 0)
            return &cases[i];
    return NULL;
}

int main(int argc, char **argv)
{
    for (int i = 0; i < NESTED_LOCKS; i++)
        pthread_mutex_init(&shared.nested[i], NULL);
    pthread_spin_init(&shared.spin, PTHREAD_PROCESS_PRIVATE);
    sem_init(&shared.semaphore, 0, 1);
    sem_init(&shared.ping, 0, 1);
    sem_init(&shared.pong, 0, 0);

    for (int i = 1; i < argc; i++) {
        const struct bench_case *bench = case_by_name(argv[i]);
        if (bench == NULL) {
            fprintf(stderr, "lock_bench: no case %s\n", argv[i]);
            return 2;
        }
        printf("%s %.2f\n", bench->name, ns_per_operation(bench));
        fflush(stdout);
    }
    return 0;
}
