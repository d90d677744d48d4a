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

enum { MANY = 64, LOOKERS = 4 };

static size_t known_threads;

size_t self_live_count(void)
{
    return known_threads;
}

bool self_is_spinning(pid_t tid)
{
    (void)tid;
    return false;
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

static pthread_barrier_t all_look;
static atomic_int agreed, done;

/* Of threads made one after the other every fourth looks; the others end. */
static void *look_with_others(void *number)
{
    if ((uintptr_t)number % 4 != 0)
        return NULL;
    pthread_barrier_wait(&all_look);
    agreed += all_asleep();
    done++;
    return sleep_on_semaphore(NULL);
}

static void one_of_several_that_look_at_once_agrees(void **state)
{
    (void)state;
    const struct timespec pause = {.tv_nsec = 5000000};
    pthread_t threads[4 * LOOKERS];
    sem_init(&finish, 0, 0);
    pthread_barrier_init(&all_look, NULL, LOOKERS);
    known_threads = LOOKERS + 1;
    for (uintptr_t i = 0; i < 4 * LOOKERS; i++) {
        pthread_create(&threads[i], NULL, look_with_others, (void *)i);
        if (i % 4 != 0)
            pthread_join(threads[i], NULL);
    }
    sleep(1); /* it must not be awake while they look */
    while (done < LOOKERS)
        nanosleep(&pause, NULL);
    assert_true(agreed > 0);
    for (int i = 0; i < LOOKERS; i++)
        sem_post(&finish);
    for (int i = 0; i < LOOKERS; i++)
        pthread_join(threads[4 * i], NULL);
    pthread_barrier_destroy(&all_look);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread_is_trivially_alone),
        cmocka_unit_test(many_sleepers_are_asleep),
        cmocka_unit_test(one_of_several_that_look_at_once_agrees),
        cmocka_unit_test(a_thread_that_is_or_was_awake_denies_it),
    };
    return cmocka_run_group_tests_name("all asleep", tests, NULL, NULL);
}
