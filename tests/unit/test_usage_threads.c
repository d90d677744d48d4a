/* Misuse of threads, forks and signal handlers. */
#include "detector_world.h"

static void join(int thread, int target)
{
    detector_join_request(world.d, world_thread(thread), world_thread(target), false, world_at(1));
    detector_joined(world.d, world_thread(thread), world_thread(target));
}

/* ---- join and detach ---- */

static void joined_and_detached_threads_are_silent(void **state)
{
    (void)state;
    (void)world_thread(1);
    (void)world_thread(2);
    world_end(1);
    join(0, 1);
    detector_detach(world.d, world_thread(0), world_thread(2), world_at(1));
    world_end(2);
    detector_process_end(world.d, world_thread(0));
    world_expect_nothing();
}

static void thread_neither_joined_nor_detached_leaks(void **state)
{
    (void)state;
    (void)world_thread(1);
    (void)world_thread(2); /* still runs: no leak */
    world_end(1);
    detector_process_end(world.d, world_thread(0));
    const struct world_finding *found = world_expect_one(FINDING_THREAD_LEAK);
    assert_int_equal(found->party[0].stack, 901);
}

/* Another one ends the process meanwhile. */
static void thread_that_is_about_to_be_detached_does_not_leak(void **state)
{
    (void)state;
    (void)world_thread(2);
    (void)world_thread(1);
    world_end(1);
    detector_process_end(world.d, world_thread(2));
    world_expect_nothing();
    world_lock(0, world_mutex(1));
    world_unlock(0, world_mutex(1)); /* its creator has gone on */
    detector_process_end(world.d, world_thread(2));
    world_expect_one(FINDING_THREAD_LEAK);
}

static void second_join(void **state)
{
    (void)state;
    world_end(1);
    join(0, 1);
    detector_join_request(world.d, world_thread(2), world_thread(1), false, world_at(1));
    world_expect_one(FINDING_DOUBLE_JOIN);
}

static void two_joins_at_once(void **state)
{
    (void)state;
    (void)world_thread(3);
    detector_join_request(world.d, world_thread(0), world_thread(1), false, world_at(1));
    detector_join_request(world.d, world_thread(2), world_thread(1), false, world_at(1));
    world_expect_one(FINDING_DOUBLE_JOIN);
}

static void join_tried_again_after_it_timed_out_is_silent(void **state)
{
    (void)state;
    detector_join_request(world.d, world_thread(2), world_thread(1), true, world_at(1));
    detector_join_failed(world.d, world_thread(2), world_thread(1));
    world_end(1);
    join(0, 1);
    world_expect_nothing();
}

static void join_of_a_detached_thread(void **state)
{
    (void)state;
    (void)world_thread(1), (void)world_thread(2); /* in this order: a call's arguments are made in any */
    detector_detach(world.d, world_thread(2), world_thread(1), world_at(3));
    detector_join_request(world.d, world_thread(0), world_thread(1), false, world_at(1));
    const struct world_finding *found = world_expect_one(FINDING_DOUBLE_JOIN);
    assert_int_equal(found->party[1].role, PARTY_DETACHED);
    assert_int_equal(found->party[1].thread, 3);
}

static void join_of_oneself(void **state)
{
    (void)state;
    detector_join_request(world.d, world_thread(1), world_thread(1), false, world_at(1));
    world_expect_one(FINDING_JOIN_SELF);
}

static void second_detach(void **state)
{
    (void)state;
    detector_detach(world.d, world_thread(0), world_thread(1), world_at(1));
    world_expect_nothing();
    detector_detach(world.d, world_thread(0), world_thread(1), world_at(1));
    world_expect_one(FINDING_DOUBLE_DETACH);
}

static void use_of_an_identifier_that_is_gone(void **state)
{
    (void)state;
    const struct thread_past past = {.id = {77}, .by = {2}, .at = world_at(5), .was_joined = true};
    detector_stale_join(world.d, world_thread(0), &past, world_at(1));
    detector_stale_detach(world.d, world_thread(0), &past, world_at(2));
    assert_int_equal(world_count(FINDING_DOUBLE_JOIN), 1);
    assert_int_equal(world_count(FINDING_DOUBLE_DETACH), 1);
}

static void thread_that_ends_with_a_lock(void **state)
{
    (void)state;
    world_lock(1, world_mutex(0));
    world_unlock(1, world_mutex(0));
    world_end(1);
    world_expect_nothing();
    world_lock(2, world_mutex(0));
    world_end(2);
    const struct world_finding *found = world_expect_one(FINDING_LOCK_HELD_AT_THREAD_EXIT);
    assert_int_equal(found->party[1].stack, 120);
}

static void thread_that_ends_with_a_robust_mutex_or_a_token_is_silent(void **state)
{
    (void)state;
    world_lock(1, world_mutex_of(0, (struct object_traits){.robust = true}));
    world_sem_wait(1, world_object(OBJECT_SEMAPHORE, 0, (struct object_traits){.count = 1}));
    world_end(1);
    world_expect_nothing();
}

/* ---- fork ---- */

static void lock_left_behind_by_a_fork(void **state)
{
    (void)state;
    world_lock(1, world_mutex(0));
    world_lock(0, world_mutex(1));
    detector_fork_child(world.d, world_thread(0));
    world_unlock(0, world_mutex(1)); /* the forking thread's own locks go on */
    world_lock(0, world_mutex(2));
    world_unlock(0, world_mutex(2));
    world_expect_nothing();
    world_block(0, world_mutex(0), LOCK_EXCLUSIVE, false);
    const struct world_finding *found = world_expect_one(FINDING_FORK_WITH_LOCKS_HELD);
    assert_true(found->certain_hang);
    assert_int_equal(found->party[1].role, PARTY_HOLDS);
    assert_int_equal(found->party[1].stack, 110);
}

static void lock_initialised_again_in_the_child_is_silent(void **state)
{
    (void)state;
    struct object *m = world_mutex(0);
    world_lock(1, m);
    detector_fork_child(world.d, world_thread(0));
    struct object_traits traits = {0};
    m = object_init(world.d, world_thread(0), OBJECT_MUTEX, world_address(OBJECT_MUTEX, 0), &traits, world_at(1));
    world_lock(0, m);
    world_unlock(0, m);
    world_expect_nothing();
}

static void waiters_left_behind_by_a_fork_do_not_count(void **state)
{
    (void)state;
    struct object *c = world_object(OBJECT_COND, 0, (struct object_traits){0});
    world_lock(1, world_mutex(0));
    detector_cond_wait(world.d, world_thread(1), c, world_mutex(0), false, world_at(1));
    detector_fork_child(world.d, world_thread(0));
    object_destroy(world.d, world_thread(0), c, world_at(1));
    world_expect_nothing();
}

/* ---- signal handlers ---- */

static void handler_wants_what_the_interrupted_code_holds(void **state)
{
    (void)state;
    world_lock(0, world_mutex(0));
    detector_signal_enter(world.d, world_thread(0), 10);
    world_block(0, world_mutex(0), LOCK_EXCLUSIVE, false);
    const struct world_finding *found = world_expect_one(FINDING_SIGNAL_UNSAFE_LOCK);
    assert_true(found->certain_hang);
    assert_int_equal(found->party[0].signal_number, 10);
    assert_int_equal(found->party[1].role, PARTY_INTERRUPTED);
    assert_int_equal(found->party[1].stack, 100);
}

static void handler_takes_a_lock_that_is_taken_with_the_signal_open(void **state)
{
    (void)state;
    for (int blocked = 1; blocked >= 0; blocked--) {
        detector_signal_enter(world.d, world_thread(1), 10);
        world_lock(1, world_mutex(0));
        world_unlock(1, world_mutex(0));
        detector_signal_leave(world.d, world_thread(1));
        world.signal_blocked = blocked != 0;
        world_lock(0, world_mutex(0));
        world_unlock(0, world_mutex(0));
        if (blocked != 0)
            world_expect_nothing();
    }
    const struct world_finding *found = world_expect_one(FINDING_SIGNAL_UNSAFE_LOCK);
    assert_false(found->certain_hang);
    assert_int_equal(found->party[0].signal_number, 10);
    assert_int_equal(found->party[1].thread, thread_identity(world_thread(0)).v);
}

static void handle_once(int thread, struct object *lock)
{
    detector_signal_enter(world.d, world_thread(thread), 10);
    world_lock(thread, lock);
    world_unlock(thread, lock);
    detector_signal_leave(world.d, world_thread(thread));
}

static void take_once(int thread, struct object *lock)
{
    world_lock(thread, lock);
    world_unlock(thread, lock);
}

static void handler_takes_a_lock_that_was_taken_with_the_signal_open(void **state)
{
    (void)state;
    (void)world_mutex(0);
    detector_expect_signals(world.d, SIGNAL_BIT(10));
    take_once(0, world_mutex(0));
    world_expect_nothing();
    handle_once(1, world_mutex(0));
    const struct world_finding *found = world_expect_one(FINDING_SIGNAL_UNSAFE_LOCK);
    assert_false(found->certain_hang);
    assert_int_equal(found->party[0].signal_number, 10);
    assert_int_equal(found->party[1].role, PARTY_INTERRUPTED);
    assert_int_equal(found->party[1].thread, thread_identity(world_thread(0)).v);
    assert_int_equal(found->party[1].stack, 100);
    take_once(0, world_mutex(0));
    handle_once(1, world_mutex(0));
    assert_ptr_equal(world_expect_one(FINDING_SIGNAL_UNSAFE_LOCK), found);
}

static void lock_of_a_handler_that_was_taken_before_the_signal_could_come_is_silent(void **state)
{
    (void)state;
    struct object *recursive = world_mutex_of(3, (struct object_traits){.type = MUTEX_RECURSIVE});
    take_once(0, world_mutex(0)); /* no handler yet */
    detector_expect_signals(world.d, SIGNAL_BIT(10) | SIGNAL_BIT(12));
    world.signal_blocked = true;
    take_once(0, world_mutex(1)); /* made behind it */
    world.signal_blocked = false;
    take_once(0, recursive);
    for (int i = 0; i < 2; i++)
        handle_once(1, world_mutex(i));
    handle_once(1, recursive);
    world_expect_nothing();
}

/* As a server does that takes signals in ppoll() alone. */
static void lock_that_is_taken_with_the_signal_blocked_many_times_is_not_asked_about_again(void **state)
{
    (void)state;
    detector_expect_signals(world.d, SIGNAL_BIT(10));
    world.signal_blocked = true;
    for (int i = 0; i < 100; i++)
        take_once(0, world_mutex(0));
    take_once(0, world_mutex(1));
    world.signal_blocked = false;
    take_once(0, world_mutex(0));
    handle_once(1, world_mutex(0));
    world_expect_nothing();
    take_once(0, world_mutex(1)); /* but this one was masked once only */
    handle_once(1, world_mutex(1));
    (void)world_expect_one(FINDING_SIGNAL_UNSAFE_LOCK);
}

static void handler_with_locks_of_its_own_is_silent(void **state)
{
    (void)state;
    world_lock(0, world_mutex(0));
    detector_signal_enter(world.d, world_thread(0), 10);
    world_lock(0, world_mutex(1));
    world_unlock(0, world_mutex(1));
    detector_signal_leave(world.d, world_thread(0));
    world_unlock(0, world_mutex(0));
    world_expect_nothing();
}

static void handler_that_only_tries_is_silent(void **state)
{
    (void)state;
    detector_signal_enter(world.d, world_thread(0), 10);
    detector_lock_acquired(world.d, world_thread(0), world_mutex(0), LOCK_EXCLUSIVE, false, world_at(1));
    world_unlock(0, world_mutex(0));
    detector_signal_leave(world.d, world_thread(0));
    world_lock(0, world_mutex(0));
    world_unlock(0, world_mutex(0));
    world_expect_nothing();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(joined_and_detached_threads_are_silent),
        TEST(thread_neither_joined_nor_detached_leaks),
        TEST(thread_that_is_about_to_be_detached_does_not_leak),
        TEST(second_join),
        TEST(two_joins_at_once),
        TEST(join_tried_again_after_it_timed_out_is_silent),
        TEST(join_of_a_detached_thread),
        TEST(join_of_oneself),
        TEST(second_detach),
        TEST(use_of_an_identifier_that_is_gone),
        TEST(thread_that_ends_with_a_lock),
        TEST(thread_that_ends_with_a_robust_mutex_or_a_token_is_silent),
        TEST(lock_left_behind_by_a_fork),
        TEST(lock_initialised_again_in_the_child_is_silent),
        TEST(waiters_left_behind_by_a_fork_do_not_count),
        TEST(handler_wants_what_the_interrupted_code_holds),
        TEST(handler_takes_a_lock_that_is_taken_with_the_signal_open),
        TEST(handler_takes_a_lock_that_was_taken_with_the_signal_open),
        TEST(lock_of_a_handler_that_was_taken_before_the_signal_could_come_is_silent),
        TEST(lock_that_is_taken_with_the_signal_blocked_many_times_is_not_asked_about_again),
        TEST(handler_with_locks_of_its_own_is_silent),
        TEST(handler_that_only_tries_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
