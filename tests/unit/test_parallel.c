/* The detector under real threads: verbs at once, and the two races that its promises hang on: of threads that block on
 * each other exactly one reports, and of the last threads to fall asleep exactly one notices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "detector/detector.h"

#define THREADS 4
#define LOCKS   8
#define STEPS   3000
#define RACES   1500

static pthread_mutex_t rank_lock[RANK_COUNT];
static atomic_int found[FINDING_COUNT];
static atomic_int found_any;
static atomic_int hung_calls;
static atomic_bool os_agrees;

static void *host_alloc(void *ctx, size_t size)
{
    (void)ctx;
    size_t rounded = (size + 63) & ~(size_t)63;
    void *memory = aligned_alloc(64, rounded);
    return memory == NULL ? NULL : memset(memory, 0, rounded);
}

static void host_free(void *ctx, void *memory, size_t size)
{
    (void)ctx, (void)size;
    free(memory);
}

static void host_enter(void *ctx, enum rank rank)
{
    (void)ctx;
    pthread_mutex_lock(&rank_lock[rank]);
}

static void host_leave(void *ctx, enum rank rank)
{
    (void)ctx;
    pthread_mutex_unlock(&rank_lock[rank]);
}

static void host_report(void *ctx, const struct finding *finding)
{
    (void)ctx;
    atomic_fetch_add(&found[finding->kind], 1);
    atomic_fetch_add(&found_any, 1);
}

static uint64_t host_now_ns(void *ctx)
{
    (void)ctx;
    return 0;
}

static bool host_all_asleep(void *ctx)
{
    (void)ctx;
    return atomic_load(&os_agrees);
}

static void host_hung(void *ctx)
{
    (void)ctx;
    atomic_fetch_add(&hung_calls, 1);
}

static const struct detector_host host = {
    .alloc = host_alloc,
    .free = host_free,
    .enter = host_enter,
    .leave = host_leave,
    .report = host_report,
    .now_ns = host_now_ns,
    .all_asleep = host_all_asleep,
    .hung = host_hung,
};

static struct detector *d;
static struct thread *thread[THREADS + 1]; /* 0 is the main one */
static struct object *mutex[LOCKS], *rwlock, *cond, *semaphore;
static pthread_mutex_t real_mutex[LOCKS];
static pthread_rwlock_t real_rwlock;
static sem_t real_semaphore;
static pthread_barrier_t start;

static const struct stack_id at = {1};

static struct object *make(enum object_kind kind, uint64_t number, uint32_t count)
{
    struct object_traits traits = {.count = count};
    return object_init(d, thread[0], kind, 0x1000 * ((uint64_t)kind + 1) + number * 64, &traits, at);
}

static int set_up(void **state)
{
    (void)state;
    for (int i = 0; i < RANK_COUNT; i++) {
        pthread_mutex_init(&rank_lock[i], NULL);
    }
    for (int i = 0; i < FINDING_COUNT; i++) {
        atomic_store(&found[i], 0);
    }
    atomic_store(&found_any, 0);
    atomic_store(&hung_calls, 0);
    atomic_store(&os_agrees, true);
    struct detector_options options;
    detector_options_default(&options);
    d = detector_new(&host, &options);
    for (int i = 0; i <= THREADS; i++) {
        thread[i] = host_alloc(NULL, thread_size());
        detector_thread_create(d, thread[i], i == 0 ? NULL : thread[0], true, at);
        detector_thread_start(d, thread[i]);
    }
    for (uint64_t i = 0; i < LOCKS; i++) {
        mutex[i] = make(OBJECT_MUTEX, i, 0);
        pthread_mutex_init(&real_mutex[i], NULL);
    }
    rwlock = make(OBJECT_RWLOCK, 0, 0);
    cond = make(OBJECT_COND, 0, 0);
    semaphore = make(OBJECT_SEMAPHORE, 0, 2);
    pthread_rwlock_init(&real_rwlock, NULL);
    sem_init(&real_semaphore, 0, 2);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i <= THREADS; i++) {
        detector_thread_forget(d, thread[i]);
        free(thread[i]);
    }
    detector_delete(d);
    return 0;
}

static void run_threads(void *(*body)(void *), int count)
{
    pthread_t real[THREADS];
    pthread_barrier_init(&start, NULL, (unsigned)count);
    for (int i = 0; i < count; i++) {
        assert_int_equal(pthread_create(&real[i], NULL, body, thread[i + 1]), 0);
    }
    for (int i = 0; i < count; i++) {
        pthread_join(real[i], NULL);
    }
    pthread_barrier_destroy(&start);
}

/* ---- verbs at once ---- */

static void take_mutex(struct thread *t, int i)
{
    detector_lock_request(d, t, mutex[i], LOCK_EXCLUSIVE, false, at);
    if (pthread_mutex_trylock(&real_mutex[i]) != 0) {
        detector_block(d, t, mutex[i], LOCK_EXCLUSIVE, false, at);
        pthread_mutex_lock(&real_mutex[i]);
        detector_unblock(d, t);
    }
    detector_lock_acquired(d, t, mutex[i], LOCK_EXCLUSIVE, false, at);
}

static void leave_mutex(struct thread *t, int i)
{
    detector_lock_released(d, t, mutex[i], at);
    pthread_mutex_unlock(&real_mutex[i]);
}

static void use_rwlock(struct thread *t, enum lock_mode mode)
{
    detector_lock_request(d, t, rwlock, mode, false, at);
    if (mode == LOCK_SHARED) {
        pthread_rwlock_rdlock(&real_rwlock);
    } else {
        pthread_rwlock_wrlock(&real_rwlock);
    }
    detector_lock_acquired(d, t, rwlock, mode, false, at);
    detector_lock_released(d, t, rwlock, at);
    pthread_rwlock_unlock(&real_rwlock);
}

static void use_semaphore(struct thread *t)
{
    detector_sem_request(d, t, semaphore, false, at);
    if (sem_trywait(&real_semaphore) != 0) {
        detector_block(d, t, semaphore, LOCK_EXCLUSIVE, false, at);
        sem_wait(&real_semaphore);
        detector_unblock(d, t);
    }
    detector_sem_acquired(d, t, semaphore, at);
    detector_sem_post(d, t, semaphore, false, at);
    sem_post(&real_semaphore);
}

static void use_own_object(struct thread *t, unsigned *seed)
{
    uint64_t address = 0x900000 + thread_identity(t).v * 0x10000 + (unsigned)rand_r(seed) % 64 * 40;
    struct object_traits traits = {0};
    if (rand_r(seed) % 2 == 0) {
        (void)object_init(d, t, OBJECT_MUTEX, address, &traits, at);
    } else {
        object_range_gone(d, t, address, address + 200, true, at);
    }
}

static void *use_everything(void *arg)
{
    struct thread *t = arg;
    unsigned seed = thread_identity(t).v * 7919u;
    pthread_barrier_wait(&start);
    for (int step = 0; step < STEPS; step++) {
        int low = rand_r(&seed) % LOCKS, high = low + rand_r(&seed) % (LOCKS - low);
        take_mutex(t, low);
        if (high != low) {
            take_mutex(t, high); /* upwards only: no circle */
        }
        detector_cond_signal(d, t, cond, step % 2 == 0, at);
        use_rwlock(t, rand_r(&seed) % 4 == 0 ? LOCK_EXCLUSIVE : LOCK_SHARED);
        if (high != low) {
            leave_mutex(t, high);
        }
        leave_mutex(t, low);
        use_semaphore(t);
        use_own_object(t, &seed);
    }
    return NULL;
}

static struct object *adopted[THREADS][STEPS];

static void *adopt_the_same(void *arg)
{
    struct thread *t = arg;
    size_t number = thread_identity(t).v - thread_identity(thread[1]).v;
    struct object_traits traits = {.was_initialised = true, .is_static = true};
    for (uint64_t step = 0; step < STEPS; step++) {
        if (step % 50 == 0) {
            pthread_barrier_wait(&start);
        }
        adopted[number][step] = object_adopt(d, t, OBJECT_RWLOCK, 0xa00000 + step * 40, &traits, at);
    }
    return NULL;
}

static void first_users_at_once_agree_on_one_object(void **state)
{
    (void)state;
    run_threads(adopt_the_same, THREADS);
    struct detector_counts counts;
    detector_counts(d, &counts);
    assert_int_equal(counts.objects[OBJECT_RWLOCK], 1 + STEPS);
    assert_int_equal(atomic_load(&found_any), 0);
    for (int step = 0; step < STEPS; step++) {
        for (int i = 1; i < THREADS; i++) {
            assert_ptr_equal(adopted[i][step], adopted[0][step]);
        }
    }
}

static void correct_use_by_many_threads_is_silent(void **state)
{
    (void)state;
    run_threads(use_everything, THREADS);
    assert_int_equal(atomic_load(&found_any), 0);
}

/* ---- who reports ---- */

static void *block_on_each_other(void *arg)
{
    struct thread *t = arg;
    int mine = t == thread[1] ? 0 : 1;
    for (int race = 0; race < RACES; race++) {
        detector_lock_acquired(d, t, mutex[mine], LOCK_EXCLUSIVE, false, at);
        pthread_barrier_wait(&start);
        detector_block(d, t, mutex[1 - mine], LOCK_EXCLUSIVE, false, at);
        pthread_barrier_wait(&start);
        detector_unblock(d, t);
        detector_lock_released(d, t, mutex[mine], at);
        pthread_barrier_wait(&start);
    }
    return NULL;
}

static void each_circle_is_reported_exactly_once(void **state)
{
    (void)state;
    run_threads(block_on_each_other, 2);
    assert_int_equal(atomic_load(&found[FINDING_DEADLOCK]), RACES);
    assert_int_equal(atomic_load(&found_any), RACES);
}

static void *fall_asleep_together(void *arg)
{
    struct thread *t = arg;
    for (int race = 0; race < RACES; race++) {
        pthread_barrier_wait(&start);
        detector_lock_acquired(d, t, mutex[thread_identity(t).v], LOCK_EXCLUSIVE, false, at);
        detector_cond_wait(d, t, cond, mutex[thread_identity(t).v], false, at);
        pthread_barrier_wait(&start);
        detector_cond_woken(d, t, cond, mutex[thread_identity(t).v], true, false, at);
        detector_lock_released(d, t, mutex[thread_identity(t).v], at);
    }
    return NULL;
}

static void each_general_sleep_is_noticed_exactly_once(void **state)
{
    (void)state;
    for (int i = 4; i <= THREADS; i++) {
        detector_thread_end(d, thread[i], at);
    }
    detector_thread_end(d, thread[0], at);
    run_threads(fall_asleep_together, 3);
    assert_int_equal(atomic_load(&found[FINDING_DEADLOCK]), RACES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(first_users_at_once_agree_on_one_object),
        TEST(correct_use_by_many_threads_is_silent),
        TEST(each_circle_is_reported_exactly_once),
        TEST(each_general_sleep_is_noticed_exactly_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
