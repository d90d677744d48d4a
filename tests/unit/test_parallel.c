/* The detector under real threads: verbs at once, and the two races that its promises hang on: of threads that block on
 * each other exactly one reports, and of the last threads to fall asleep exactly one notices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <semaphore.h>
#include <stdlib.h>

#include "parallel_world.h"

#define THREADS PARALLEL_THREADS
#define LOCKS   PARALLEL_LOCKS
#define STEPS   3000
#define RACES   1500

static struct object *rwlock, *cond, *semaphore;
static pthread_rwlock_t real_rwlock;
static sem_t real_semaphore;
static pthread_barrier_t start;

static const struct stack_id at = {1};

static struct object *make(enum object_kind kind, uint32_t count)
{
    struct object_traits traits = {.count = count};
    return object_init(parallel.d, parallel.thread[0], kind, 0x1000 * ((uint64_t)kind + 1), &traits, at);
}

static int set_up(void **state)
{
    (void)state;
    struct detector_options options;
    detector_options_default(&options);
    parallel_world_start(&options);
    rwlock = make(OBJECT_RWLOCK, 0);
    cond = make(OBJECT_COND, 0);
    semaphore = make(OBJECT_SEMAPHORE, 2);
    pthread_rwlock_init(&real_rwlock, NULL);
    sem_init(&real_semaphore, 0, 2);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    parallel_world_forget_threads();
    parallel_world_stop();
    return 0;
}

static void run_threads(void *(*body)(void *), int count)
{
    pthread_barrier_init(&start, NULL, (unsigned)count);
    parallel_world_run(body, (void *const *)&parallel.thread[1], count);
    pthread_barrier_destroy(&start);
}

/* ---- verbs at once ---- */

static void take_mutex(struct thread *t, int i)
{
    detector_lock_request(parallel.d, t, parallel.mutex[i], LOCK_EXCLUSIVE, false, at);
    if (pthread_mutex_trylock(&parallel.real_mutex[i]) != 0) {
        detector_block(parallel.d, t, parallel.mutex[i], LOCK_EXCLUSIVE, false, at);
        pthread_mutex_lock(&parallel.real_mutex[i]);
        detector_unblock(parallel.d, t);
    }
    detector_lock_acquired(parallel.d, t, parallel.mutex[i], LOCK_EXCLUSIVE, false, at);
}

static void leave_mutex(struct thread *t, int i)
{
    detector_lock_released(parallel.d, t, parallel.mutex[i], at);
    pthread_mutex_unlock(&parallel.real_mutex[i]);
}

static void use_rwlock(struct thread *t, enum lock_mode mode)
{
    detector_lock_request(parallel.d, t, rwlock, mode, false, at);
    if (mode == LOCK_SHARED)
        pthread_rwlock_rdlock(&real_rwlock);
    else
        pthread_rwlock_wrlock(&real_rwlock);
    detector_lock_acquired(parallel.d, t, rwlock, mode, false, at);
    detector_lock_released(parallel.d, t, rwlock, at);
    pthread_rwlock_unlock(&real_rwlock);
}

static void use_semaphore(struct thread *t)
{
    detector_sem_request(parallel.d, t, semaphore, false, at);
    if (sem_trywait(&real_semaphore) != 0) {
        detector_block(parallel.d, t, semaphore, LOCK_EXCLUSIVE, false, at);
        sem_wait(&real_semaphore);
        detector_unblock(parallel.d, t);
    }
    detector_sem_acquired(parallel.d, t, semaphore, at);
    detector_sem_post(parallel.d, t, semaphore, false, at);
    sem_post(&real_semaphore);
}

static void use_own_object(struct thread *t, unsigned *seed)
{
    uint64_t address = 0x900000 + thread_identity(t).v * 0x10000 + (unsigned)rand_r(seed) % 64 * 40;
    struct object_traits traits = {0};
    if (rand_r(seed) % 2 == 0)
        (void)object_init(parallel.d, t, OBJECT_MUTEX, address, &traits, at);
    else
        object_range_gone(parallel.d, t, address, address + 200, true, at);
}

static void *use_everything(void *arg)
{
    struct thread *t = arg;
    unsigned seed = thread_identity(t).v * 7919u;
    pthread_barrier_wait(&start);
    for (int step = 0; step < STEPS; step++) {
        int low = rand_r(&seed) % LOCKS, high = low + rand_r(&seed) % (LOCKS - low);
        take_mutex(t, low);
        if (high != low)
            take_mutex(t, high); /* upwards only: no circle */
        detector_cond_signal(parallel.d, t, cond, step % 2 == 0, at);
        use_rwlock(t, rand_r(&seed) % 4 == 0 ? LOCK_EXCLUSIVE : LOCK_SHARED);
        if (high != low)
            leave_mutex(t, high);
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
    size_t number = thread_identity(t).v - thread_identity(parallel.thread[1]).v;
    struct object_traits traits = {.was_initialised = true, .is_static = true};
    for (uint64_t step = 0; step < STEPS; step++) {
        if (step % 50 == 0)
            pthread_barrier_wait(&start);
        adopted[number][step] = object_adopt(parallel.d, t, OBJECT_RWLOCK, 0xa00000 + step * 40, &traits, at);
    }
    return NULL;
}

static void first_users_at_once_agree_on_one_object(void **state)
{
    (void)state;
    run_threads(adopt_the_same, THREADS);
    struct detector_counts counts;
    detector_counts(parallel.d, &counts);
    assert_int_equal(counts.objects[OBJECT_RWLOCK], 1 + STEPS);
    assert_int_equal(atomic_load(&parallel.found_any), 0);
    for (int step = 0; step < STEPS; step++)
        for (int i = 1; i < THREADS; i++)
            assert_ptr_equal(adopted[i][step], adopted[0][step]);
}

static void correct_use_by_many_threads_is_silent(void **state)
{
    (void)state;
    run_threads(use_everything, THREADS);
    assert_int_equal(atomic_load(&parallel.found_any), 0);
}

/* ---- who reports ---- */

static void *block_on_each_other(void *arg)
{
    struct thread *t = arg;
    int mine = t == parallel.thread[1] ? 0 : 1;
    for (int race = 0; race < RACES; race++) {
        detector_lock_acquired(parallel.d, t, parallel.mutex[mine], LOCK_EXCLUSIVE, false, at);
        pthread_barrier_wait(&start);
        detector_block(parallel.d, t, parallel.mutex[1 - mine], LOCK_EXCLUSIVE, false, at);
        pthread_barrier_wait(&start);
        detector_unblock(parallel.d, t);
        detector_lock_released(parallel.d, t, parallel.mutex[mine], at);
        pthread_barrier_wait(&start);
    }
    return NULL;
}

static void each_circle_is_reported_exactly_once(void **state)
{
    (void)state;
    run_threads(block_on_each_other, 2);
    assert_int_equal(atomic_load(&parallel.found[FINDING_DEADLOCK]), RACES);
    assert_int_equal(atomic_load(&parallel.found_any), RACES);
}

static void *fall_asleep_together(void *arg)
{
    struct thread *t = arg;
    for (int race = 0; race < RACES; race++) {
        pthread_barrier_wait(&start);
        detector_lock_acquired(parallel.d, t, parallel.mutex[thread_identity(t).v], LOCK_EXCLUSIVE, false, at);
        detector_cond_wait(parallel.d, t, cond, parallel.mutex[thread_identity(t).v], false, at);
        pthread_barrier_wait(&start);
        detector_cond_woken(parallel.d, t, cond, parallel.mutex[thread_identity(t).v], true, false, at);
        detector_lock_released(parallel.d, t, parallel.mutex[thread_identity(t).v], at);
    }
    return NULL;
}

static void each_general_sleep_is_noticed_exactly_once(void **state)
{
    (void)state;
    for (int i = 4; i <= THREADS; i++)
        detector_thread_end(parallel.d, parallel.thread[i], at);
    detector_thread_end(parallel.d, parallel.thread[0], at);
    run_threads(fall_asleep_together, 3);
    assert_int_equal(atomic_load(&parallel.found[FINDING_DEADLOCK]), RACES);
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
