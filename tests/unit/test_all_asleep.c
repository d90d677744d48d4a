/* The kernel's word on sleeping threads: yes only when all are known and stay asleep. */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "preload/asleep.h"
#include "preload/self.h"

enum { MANY = 64 };

static size_t known_threads;

size_t self_live_count(void)
{
    return known_threads;
}

static sem_t finish;
static atomic_bool stop;

static void *sleep_on_semaphore(void *unused)
{
    while (sem_wait(&finish) != 0)
        continue;
    return unused;
}

static void *spin(void *unused)
{
    while (!stop)
        continue;
    return unused;
}

static void *wake_often(void *unused)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    while (!stop)
        nanosleep(&pause, NULL);
    return unused;
}

static void until_asleep(void)
{
    const struct timespec pause = {.tv_nsec = 50000000};
    nanosleep(&pause, NULL);
}

static void one_thread_is_trivially_alone(void **state)
{
    (void)state;
    known_threads = 1;
    assert_true(all_asleep());
    known_threads = 2;
    assert_false(all_asleep());
}

static void many_sleepers_are_asleep(void **state)
{
    (void)state;
    pthread_t threads[MANY];
    sem_init(&finish, 0, 0);
    for (int i = 0; i < MANY; i++)
        pthread_create(&threads[i], NULL, sleep_on_semaphore, NULL);
    until_asleep();
    known_threads = MANY + 1;
    assert_true(all_asleep());
    known_threads = MANY; /* one of them would be a stranger */
    assert_false(all_asleep());
    for (int i = 0; i < MANY; i++)
        sem_post(&finish);
    for (int i = 0; i < MANY; i++)
        pthread_join(threads[i], NULL);
}

static void a_thread_that_is_or_was_awake_denies_it(void **state)
{
    (void)state;
    void *(*const routines[])(void *) = {spin, wake_often};
    for (int i = 0; i < 2; i++) {
        pthread_t thread;
        stop = false;
        pthread_create(&thread, NULL, routines[i], NULL);
        until_asleep();
        known_threads = 2;
        assert_false(all_asleep());
        stop = true;
        pthread_join(thread, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread_is_trivially_alone),
        cmocka_unit_test(many_sleepers_are_asleep),
        cmocka_unit_test(a_thread_that_is_or_was_awake_denies_it),
    };
    return cmocka_run_group_tests_name("all asleep", tests, NULL, NULL);
}
