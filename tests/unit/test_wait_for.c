/* Real deadlocks: circles of waiting, and processes in which everybody sleeps. */
#include "detector_world.h"

#include <string.h>

static const struct object_traits plain = {0};

static void join(int thread, int target)
{
    detector_join_request(world.d, world_thread(thread), world_thread(target), false, world_at(1));
}

static struct object *semaphore(int number, uint32_t value)
{
    return world_object(OBJECT_SEMAPHORE, number, (struct object_traits){.count = value});
}

static void sem_block(int thread, struct object *s)
{
    detector_sem_request(world.d, world_thread(thread), s, false, world_at(1));
    detector_block(world.d, world_thread(thread), s, LOCK_EXCLUSIVE, false, world_at(1));
}

static void cond_wait(int thread, struct object *c, struct object *m)
{
    detector_cond_wait(world.d, world_thread(thread), c, m, false, world_at(1));
}

/* The findings of the lock-order engine are not this file's subject. */
static int setup(void **state)
{
    (void)state;
    return world_setup_only(FINDING_DEADLOCK);
}

/* ---- circles ---- */

static void two_threads_and_two_mutexes(void **state)
{
    (void)state;
    world_lock(1, world_mutex(1));
    world_lock(2, world_mutex(2));
    world_block(1, world_mutex(2), LOCK_EXCLUSIVE, false);
    world_expect_nothing();
    world_block(2, world_mutex(1), LOCK_EXCLUSIVE, false);
    const struct world_finding *found = world_expect_one(FINDING_DEADLOCK);
    assert_int_equal(found->form, DEADLOCK_CYCLE);
    assert_false(found->certain_hang); /* the main thread runs */
    assert_int_equal(found->party_count, 2);
    assert_int_equal(found->party[0].thread, thread_identity(world_thread(2)).v);
    assert_int_equal(found->party[0].address, world_address(OBJECT_MUTEX, 1));
    assert_int_equal(found->party[0].held_address, world_address(OBJECT_MUTEX, 2));
    assert_int_equal(found->party[1].thread, thread_identity(world_thread(1)).v);
}

static void chain_without_a_circle_is_silent(void **state)
{
    (void)state;
    for (int i = 1; i < 6; i++)
        world_lock(i, world_mutex(i));
    for (int i = 2; i < 6; i++)
        world_block(i, world_mutex(i - 1), LOCK_EXCLUSIVE, false);
    world_expect_nothing();
}

static void circle_of_seven(void **state)
{
    (void)state;
    for (int i = 1; i < 8; i++)
        world_lock(i, world_mutex(i));
    for (int i = 1; i < 8; i++) {
        world_expect_nothing();
        world_block(i, world_mutex(i == 7 ? 1 : i + 1), LOCK_EXCLUSIVE, false);
    }
    assert_int_equal(world_expect_one(FINDING_DEADLOCK)->party_count, 7);
}

static void timed_wait_breaks_a_circle(void **state)
{
    (void)state;
    world_lock(1, world_mutex(1));
    world_lock(2, world_mutex(2));
    world_block(1, world_mutex(2), LOCK_EXCLUSIVE, true);
    world_block(2, world_mutex(1), LOCK_EXCLUSIVE, false);
    detector_unblock(world.d, world_thread(2));
    world_block(2, world_mutex(1), LOCK_EXCLUSIVE, true);
    world_expect_nothing();
}

static void wait_that_ended_is_no_edge(void **state)
{
    (void)state;
    world_lock(1, world_mutex(1));
    world_lock(2, world_mutex(2));
    world_block(1, world_mutex(2), LOCK_EXCLUSIVE, true);
    detector_unblock(world.d, world_thread(1)); /* gave up */
    world_block(2, world_mutex(1), LOCK_EXCLUSIVE, false);
    world_unlock(1, world_mutex(1));
    world_lock(2, world_mutex(1));
    world_expect_nothing();
}

static void circle_is_reported_once_and_its_spectators_not_at_all(void **state)
{
    (void)state;
    two_threads_and_two_mutexes(state);
    world_lock(3, world_mutex(3));
    world_block(3, world_mutex(1), LOCK_EXCLUSIVE, false);
    world_expect_one(FINDING_DEADLOCK);
    assert_int_equal(world.hung_calls, 0);
}

static void host_hears_when_the_rest_goes_to_sleep_behind_a_reported_circle(void **state)
{
    (void)state;
    two_threads_and_two_mutexes(state);
    join(0, 1);
    world_expect_one(FINDING_DEADLOCK);
    assert_int_equal(world.hung_calls, 1);
}

static void circle_that_closes_last_is_certain(void **state)
{
    (void)state;
    world_lock(1, world_mutex(1));
    world_lock(2, world_mutex(2));
    join(0, 1);
    world_block(1, world_mutex(2), LOCK_EXCLUSIVE, false);
    world_block(2, world_mutex(1), LOCK_EXCLUSIVE, false);
    assert_true(world_expect_one(FINDING_DEADLOCK)->certain_hang);
    assert_int_equal(world.hung_calls, 0);
}

static void writer_behind_a_reader_in_a_circle(void **state)
{
    (void)state;
    struct object *l = world_object(OBJECT_RWLOCK, 0, plain);
    world_lock_shared(3, l); /* runs */
    world_lock_shared(1, l);
    world_lock(2, world_mutex(2));
    world_block(2, l, LOCK_EXCLUSIVE, false);
    world_expect_nothing();
    world_block(1, world_mutex(2), LOCK_EXCLUSIVE, false);
    assert_int_equal(world_expect_one(FINDING_DEADLOCK)->form, DEADLOCK_CYCLE);
}

static void joins_in_a_circle(void **state)
{
    (void)state;
    join(1, 2);
    world_expect_nothing();
    join(2, 1);
    assert_int_equal(world_expect_one(FINDING_DEADLOCK)->form, DEADLOCK_JOIN);
}

static void join_of_a_thread_that_wants_the_joiners_lock(void **state)
{
    (void)state;
    world_lock(0, world_mutex(0));
    world_block(1, world_mutex(0), LOCK_EXCLUSIVE, false);
    world_expect_nothing();
    join(0, 1);
    const struct world_finding *found = world_expect_one(FINDING_DEADLOCK);
    assert_int_equal(found->form, DEADLOCK_JOIN);
    assert_true(found->certain_hang);
}

static void joined_thread_blocks_last(void **state)
{
    (void)state;
    (void)world_thread(2);
    world_lock(0, world_mutex(0));
    join(0, 1);
    world_block(1, world_mutex(0), LOCK_EXCLUSIVE, false);
    assert_int_equal(world_expect_one(FINDING_DEADLOCK)->form, DEADLOCK_JOIN);
}

static void once_routine_and_a_mutex(void **state)
{
    (void)state;
    struct object *once = world_object(OBJECT_ONCE, 0, plain);
    detector_once_begin(world.d, world_thread(1), once, world_at(1));
    world_lock(2, world_mutex(0));
    detector_block(world.d, world_thread(2), once, LOCK_EXCLUSIVE, false, world_at(2));
    world_expect_nothing();
    world_block(1, world_mutex(0), LOCK_EXCLUSIVE, false);
    assert_int_equal(world_expect_one(FINDING_DEADLOCK)->form, DEADLOCK_CYCLE);
}

static void once_routine_that_calls_itself(void **state)
{
    (void)state;
    struct object *once = world_object(OBJECT_ONCE, 0, plain);
    detector_once_begin(world.d, world_thread(1), once, world_at(1));
    detector_block(world.d, world_thread(1), once, LOCK_EXCLUSIVE, false, world_at(2));
    assert_int_equal(world_expect_one(FINDING_DEADLOCK)->form, DEADLOCK_SELF);
}

static void once_routine_waited_for_and_done_is_silent(void **state)
{
    (void)state;
    struct object *once = world_object(OBJECT_ONCE, 0, plain);
    detector_once_begin(world.d, world_thread(1), once, world_at(1));
    detector_block(world.d, world_thread(2), once, LOCK_EXCLUSIVE, false, world_at(2));
    world_lock(1, world_mutex(0));
    world_unlock(1, world_mutex(0));
    detector_once_done(world.d, world_thread(1), once, false);
    detector_once_passed(world.d, world_thread(2), once);
    world_end(1);
    world_expect_nothing();
}

static void semaphores_used_as_locks(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        world_sem_wait(1, semaphore(i, 1));
        world_sem_post(1, semaphore(i, 1));
    }
    world_sem_wait(1, semaphore(0, 1));
    world_sem_wait(2, semaphore(1, 1));
    sem_block(1, semaphore(1, 1));
    sem_block(2, semaphore(0, 1));
    assert_int_equal(world_expect_one(FINDING_DEADLOCK)->form, DEADLOCK_CYCLE);
}

static void semaphore_posted_by_another_thread_has_no_holder(void **state)
{
    (void)state;
    world_sem_wait(1, semaphore(0, 1));
    world_sem_post(1, semaphore(0, 1));
    world_sem_wait(1, semaphore(0, 1));
    world_sem_post(2, semaphore(0, 1));
    world_sem_wait(1, semaphore(0, 1));
    world_lock(2, world_mutex(0));
    sem_block(2, semaphore(0, 1));
    world_block(1, world_mutex(0), LOCK_EXCLUSIVE, false);
    world_expect_nothing(); /* the main thread may post */
}

static void nested_monitor_of_a_signalled_waiter(void **state)
{
    (void)state;
    struct object *c = world_object(OBJECT_COND, 0, plain);
    world_lock(1, world_mutex(0));
    world_lock(1, world_mutex(1));
    cond_wait(1, c, world_mutex(1));
    world_lock(2, world_mutex(1));
    detector_cond_signal(world.d, world_thread(2), c, false, world_at(1));
    world_block(2, world_mutex(0), LOCK_EXCLUSIVE, false);
    assert_int_equal(world_expect_one(FINDING_DEADLOCK)->form, DEADLOCK_CYCLE);
}

/* ---- everybody asleep ---- */

static void lost_wake_up(void **state)
{
    (void)state;
    struct object *c = world_object(OBJECT_COND, 0, plain);
    world_lock(1, world_mutex(0));
    detector_cond_signal(world.d, world_thread(1), c, false, world_at(1));
    world_unlock(1, world_mutex(0));
    world_end(1);
    world_lock(2, world_mutex(0));
    cond_wait(2, c, world_mutex(0));
    world_expect_nothing();
    join(0, 2);
    const struct world_finding *found = world_expect_one(FINDING_DEADLOCK);
    assert_int_equal(found->form, DEADLOCK_ALL_ASLEEP);
    assert_true(found->certain_hang);
    assert_int_equal(found->party_count, 2);
    assert_non_null(strstr(found->detail, "lost wake-up"));
}

static void signal_under_way_keeps_the_process_alive(void **state)
{
    (void)state;
    struct object *c = world_object(OBJECT_COND, 0, plain);
    world_lock(1, world_mutex(0));
    cond_wait(1, c, world_mutex(0));
    detector_cond_signal(world.d, world_thread(0), c, false, world_at(1));
    join(0, 1);
    world_expect_nothing();
    detector_cond_woken(world.d, world_thread(1), c, world_mutex(0), true, false, world_at(1));
    cond_wait(1, c, world_mutex(0)); /* the predicate was false */
    assert_int_equal(world_expect_one(FINDING_DEADLOCK)->form, DEADLOCK_ALL_ASLEEP);
}

/* It unlocks, and then signals: another begins to wait in between, is woken as well, and waits again. */
static void signal_is_not_that_of_who_came_behind_it(void **state)
{
    (void)state;
    struct object *c = world_object(OBJECT_COND, 0, plain);
    world_lock(1, world_mutex(0));
    cond_wait(1, c, world_mutex(0));
    detector_cond_signal(world.d, world_thread(0), c, true, world_at(1));
    world_lock(2, world_mutex(0));
    cond_wait(2, c, world_mutex(0));
    detector_cond_woken(world.d, world_thread(2), c, world_mutex(0), true, false, world_at(1));
    cond_wait(2, c, world_mutex(0));
    join(0, 1);
    world_expect_nothing();
    detector_cond_woken(world.d, world_thread(1), c, world_mutex(0), true, false, world_at(1));
    cond_wait(1, c, world_mutex(0));
    assert_int_equal(world_expect_one(FINDING_DEADLOCK)->form, DEADLOCK_ALL_ASLEEP);
}

static void timed_waiter_keeps_the_process_alive(void **state)
{
    (void)state;
    struct object *c = world_object(OBJECT_COND, 0, plain);
    world_lock(1, world_mutex(0));
    detector_cond_wait(world.d, world_thread(1), c, world_mutex(0), true, world_at(1));
    join(0, 1);
    world_expect_nothing();
}

static void cancelled_waiter_keeps_the_process_alive(void **state)
{
    (void)state;
    struct object *c = world_object(OBJECT_COND, 0, plain);
    detector_thread_cancelled(world_thread(1));
    join(0, 1);
    world_lock(1, world_mutex(0));
    cond_wait(1, c, world_mutex(0));
    world_expect_nothing();
}

static void cancelled_joiner_closes_no_circle(void **state)
{
    (void)state;
    detector_thread_cancelled(world_thread(2));
    join(1, 2);
    join(2, 1);
    world_expect_nothing();
}

static void cancelled_thread_waits_for_a_lock_all_the_same(void **state)
{
    (void)state;
    world_lock(0, world_mutex(0));
    detector_thread_cancelled(world_thread(1));
    world_block(1, world_mutex(0), LOCK_EXCLUSIVE, false);
    join(0, 1);
    assert_int_equal(world_expect_one(FINDING_DEADLOCK)->form, DEADLOCK_JOIN);
}

static void running_thread_keeps_the_process_alive(void **state)
{
    (void)state;
    (void)world_thread(1);
    sem_block(2, semaphore(0, 0));
    join(0, 2);
    world_expect_nothing();
    world_end(1); /* the last one that could have posted */
    const struct world_finding *found = world_expect_one(FINDING_DEADLOCK);
    assert_int_equal(found->form, DEADLOCK_ALL_ASLEEP);
    assert_int_equal(found->party_count, 2);
}

static void token_in_the_semaphore_keeps_the_process_alive(void **state)
{
    (void)state;
    sem_block(1, semaphore(0, 0));
    world_sem_post(0, semaphore(0, 0));
    join(0, 1);
    world_expect_nothing();
}

static void signal_handler_might_post(void **state)
{
    (void)state;
    detector_set_handlers_installed(world.d, true);
    sem_block(0, semaphore(0, 0));
    world_expect_nothing();
    detector_unblock(world.d, world_thread(0));
    detector_set_handlers_installed(world.d, false);
    sem_block(0, semaphore(0, 0));
    world_expect_one(FINDING_DEADLOCK);
}

static void thread_in_a_signal_handler_is_awake(void **state)
{
    (void)state;
    world_lock(1, world_mutex(0));
    cond_wait(1, world_object(OBJECT_COND, 0, plain), world_mutex(0));
    detector_signal_enter(world.d, world_thread(1), 10);
    join(0, 1);
    world_expect_nothing();
    detector_signal_leave(world.d, world_thread(1)); /* goes on waiting */
    assert_int_equal(world_expect_one(FINDING_DEADLOCK)->form, DEADLOCK_ALL_ASLEEP);
}

static void handler_ends_a_wait_for_a_semaphore(void **state)
{
    (void)state;
    sem_block(1, semaphore(0, 0));
    detector_signal_enter(world.d, world_thread(1), 10);
    join(0, 1);
    detector_signal_leave(world.d, world_thread(1)); /* EINTR */
    world_expect_nothing();
}

static void refused_request_does_not_hide_a_later_deadlock(void **state)
{
    (void)state;
    struct object *l = world_object(OBJECT_RWLOCK, 0, plain);
    world_lock(1, l);
    detector_lock_request(world.d, world_thread(1), l, LOCK_EXCLUSIVE, false, world_at(1)); /* EDEADLK */
    world_expect_one(FINDING_DEADLOCK);
    world_lock(2, world_mutex(0));
    world_block(2, l, LOCK_EXCLUSIVE, false);
    world_block(1, world_mutex(0), LOCK_EXCLUSIVE, false);
    assert_int_equal(world_count(FINDING_DEADLOCK), 2);
}

static void other_process_might_post(void **state)
{
    (void)state;
    sem_block(0, world_object(OBJECT_SEMAPHORE, 0, (struct object_traits){.process_shared = true}));
    world_expect_nothing();
}

static void operating_system_has_the_last_word(void **state)
{
    (void)state;
    world.os_agrees = false;
    sem_block(0, semaphore(0, 0));
    world_expect_nothing();
}

static void barrier_short_of_a_thread(void **state)
{
    (void)state;
    struct object *b = world_object(OBJECT_BARRIER, 0, (struct object_traits){.count = 3});
    detector_barrier_arrive(world.d, world_thread(1), b, world_at(1));
    detector_barrier_arrive(world.d, world_thread(0), b, world_at(1));
    const struct world_finding *found = world_expect_one(FINDING_DEADLOCK);
    assert_int_equal(found->form, DEADLOCK_ALL_ASLEEP);
    assert_int_equal(found->number, 1);
}

static void full_barrier_keeps_the_process_alive(void **state)
{
    (void)state;
    struct object *b = world_object(OBJECT_BARRIER, 0, (struct object_traits){.count = 2});
    for (int round = 0; round < 3; round++) {
        detector_barrier_arrive(world.d, world_thread(1), b, world_at(1));
        detector_barrier_arrive(world.d, world_thread(0), b, world_at(1));
        detector_barrier_leave(world.d, world_thread(0), b);
        if (round < 2)
            detector_barrier_leave(world.d, world_thread(1), b);
    }
    join(0, 1); /* thread 1 has not woken yet */
    world_expect_nothing();
}

static void join_of_an_ended_thread_keeps_the_process_alive(void **state)
{
    (void)state;
    (void)world_thread(1);
    join(0, 1);
    world_end(1);
    world_expect_nothing();
}

static void free_lock_keeps_the_process_alive(void **state)
{
    (void)state;
    world_lock(0, world_mutex(0));
    world_block(1, world_mutex(0), LOCK_EXCLUSIVE, false);
    world_unlock(0, world_mutex(0));
    join(0, 1); /* thread 1 has not woken yet */
    world_expect_nothing();
}

static void lock_of_an_ended_thread_is_waited_for_in_vain(void **state)
{
    (void)state;
    world_lock(1, world_mutex(0));
    world_end(1);
    world_block(0, world_mutex(0), LOCK_EXCLUSIVE, false);
    const struct world_finding *found = world_expect_one(FINDING_DEADLOCK);
    assert_int_equal(found->form, DEADLOCK_ALL_ASLEEP);
    assert_int_equal(found->party_count, 2);
    assert_int_equal(found->party[1].role, PARTY_HOLDS);
    assert_int_equal(found->party[1].thread, 2);
    assert_non_null(strstr(found->detail, "has ended"));
}

static void futex_woken_meanwhile_keeps_the_process_alive(void **state)
{
    (void)state;
    struct object *f = world_object(OBJECT_FUTEX, 0, plain);
    detector_block(world.d, world_thread(1), f, LOCK_EXCLUSIVE, false, world_at(1));
    detector_channel_send(world.d, world_thread(0), f);
    join(0, 1);
    world_expect_nothing();
    detector_channel_receive(world.d, world_thread(1), f);
    detector_block(world.d, world_thread(1), f, LOCK_EXCLUSIVE, false, world_at(1));
    world_expect_one(FINDING_DEADLOCK);
}

static void hundred_threads_in_a_row(void **state)
{
    (void)state;
    enum { MANY = 100 };
    static char memory[MANY][16384] __attribute__((aligned(64)));
    assert_true(thread_size() <= sizeof memory[0]);
    struct thread *t[MANY];
    for (int i = 0; i < MANY; i++) {
        t[i] = (struct thread *)(void *)memory[i];
        detector_thread_create(world.d, t[i], world_thread(0), true, world_at(1));
        detector_thread_start(world.d, t[i]);
        detector_lock_acquired(world.d, t[i], world_mutex(i), LOCK_EXCLUSIVE, false, world_at(1));
    }
    for (int i = 0; i < MANY; i++) {
        world_expect_nothing();
        detector_block(world.d, t[i], world_mutex((i + 1) % MANY), LOCK_EXCLUSIVE, false, world_at(1));
    }
    assert_int_equal(world_expect_one(FINDING_DEADLOCK)->party_count, MANY);
    for (int i = 0; i < MANY; i++)
        detector_thread_forget(world.d, t[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(two_threads_and_two_mutexes),
        TEST(chain_without_a_circle_is_silent),
        TEST(circle_of_seven),
        TEST(timed_wait_breaks_a_circle),
        TEST(wait_that_ended_is_no_edge),
        TEST(circle_is_reported_once_and_its_spectators_not_at_all),
        TEST(host_hears_when_the_rest_goes_to_sleep_behind_a_reported_circle),
        TEST(circle_that_closes_last_is_certain),
        TEST(writer_behind_a_reader_in_a_circle),
        TEST(joins_in_a_circle),
        TEST(join_of_a_thread_that_wants_the_joiners_lock),
        TEST(joined_thread_blocks_last),
        TEST(once_routine_and_a_mutex),
        TEST(once_routine_that_calls_itself),
        TEST(once_routine_waited_for_and_done_is_silent),
        TEST(semaphores_used_as_locks),
        TEST(semaphore_posted_by_another_thread_has_no_holder),
        TEST(nested_monitor_of_a_signalled_waiter),
        TEST(lost_wake_up),
        TEST(signal_under_way_keeps_the_process_alive),
        TEST(timed_waiter_keeps_the_process_alive),
        TEST(cancelled_waiter_keeps_the_process_alive),
        TEST(cancelled_joiner_closes_no_circle),
        TEST(cancelled_thread_waits_for_a_lock_all_the_same),
        TEST(running_thread_keeps_the_process_alive),
        TEST(signal_is_not_that_of_who_came_behind_it),
        TEST(token_in_the_semaphore_keeps_the_process_alive),
        TEST(signal_handler_might_post),
        TEST(thread_in_a_signal_handler_is_awake),
        TEST(handler_ends_a_wait_for_a_semaphore),
        TEST(refused_request_does_not_hide_a_later_deadlock),
        TEST(other_process_might_post),
        TEST(operating_system_has_the_last_word),
        TEST(barrier_short_of_a_thread),
        TEST(full_barrier_keeps_the_process_alive),
        TEST(join_of_an_ended_thread_keeps_the_process_alive),
        TEST(free_lock_keeps_the_process_alive),
        TEST(lock_of_an_ended_thread_is_waited_for_in_vain),
        TEST(futex_woken_meanwhile_keeps_the_process_alive),
        TEST(hundred_threads_in_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
