/* Misuse of mutexes, read-write locks, spinlocks, conditions and semaphores: each kind fires, and its correct twin does
 * not. */
#include "detector_world.h"

#include <string.h>

static struct object *rwlock(int number)
{
    return world_object(OBJECT_RWLOCK, number, (struct object_traits){0});
}

static struct object *cond(int number)
{
    return world_object(OBJECT_COND, number, (struct object_traits){0});
}

static void cond_wait(int thread, struct object *c, struct object *m)
{
    detector_cond_wait(world.d, world_thread(thread), c, m, false, world_at(700 + (uint32_t)thread));
}

static void cond_woken(int thread, struct object *c, struct object *m)
{
    detector_cond_woken(world.d, world_thread(thread), c, m, true, false, world_at(700 + (uint32_t)thread));
}

/* ---- unlocking ---- */

static void pairs_of_lock_and_unlock_are_silent(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        world_lock(i, world_mutex(0));
        world_lock(i, world_mutex(1));
        world_unlock(i, world_mutex(0)); /* not in reverse order: allowed */
        world_unlock(i, world_mutex(1));
    }
    world_expect_nothing();
}

static void unlock_by_a_stranger_is_reported_with_the_holder(void **state)
{
    (void)state;
    world_lock(1, world_mutex(0));
    world_unlock(2, world_mutex(0));
    const struct world_finding *found = world_expect_one(FINDING_UNLOCK_NOT_OWNED);
    assert_int_equal(found->party_count, 2);
    assert_int_equal(found->party[0].role, PARTY_ACTS);
    assert_int_equal(found->party[1].role, PARTY_HOLDS);
    assert_int_equal(found->party[1].thread, thread_identity(world_thread(1)).v);
    assert_int_equal(found->party[1].stack, 110);
}

static void unlock_by_a_stranger_ends_the_holders_hold(void **state)
{
    (void)state;
    world_lock(1, world_mutex(0));
    world_unlock(2, world_mutex(0));
    world_lock(2, world_mutex(0));
    world_lock(1, world_mutex(1));
    world_unlock(1, world_mutex(1));
    world_unlock(2, world_mutex(0));
    world_end(1); /* holds nothing any more */
    world_expect_one(FINDING_UNLOCK_NOT_OWNED);
}

static void unlock_refused_by_the_library_leaves_the_holder(void **state)
{
    (void)state;
    struct object *m = world_mutex_of(0, (struct object_traits){.type = MUTEX_ERRORCHECK});
    world_lock(1, m);
    world_unlock(2, m);
    detector_lock_unrelease(world.d, world_thread(2), m);
    world_unlock(1, m);
    world_expect_one(FINDING_UNLOCK_NOT_OWNED);
    world_lock(2, m);
    world_unlock(2, m);
    world_expect_one(FINDING_UNLOCK_NOT_OWNED);
}

static void unrelease_puts_a_held_lock_back(void **state)
{
    (void)state;
    world_lock(1, world_mutex(0));
    world_unlock(1, world_mutex(0));
    detector_lock_unrelease(world.d, world_thread(1), world_mutex(0));
    assert_true(thread_holds_any(world_thread(1)));
    world_unlock(1, world_mutex(0));
    assert_false(thread_holds_any(world_thread(1)));
    world_lock_shared(1, rwlock(0));
    world_unlock(1, rwlock(0));
    detector_lock_unrelease(world.d, world_thread(1), rwlock(0));
    assert_true(thread_holds_any(world_thread(1)));
    world_unlock(1, rwlock(0));
    world_expect_nothing();
}

static void second_unlock_is_reported(void **state)
{
    (void)state;
    world_lock(1, world_mutex(0));
    world_unlock(1, world_mutex(0));
    world_unlock(1, world_mutex(0));
    world_expect_one(FINDING_UNLOCK_NOT_LOCKED);
}

static void the_same_misuse_is_said_once(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        world_unlock(1, world_mutex(0));
    world_expect_one(FINDING_UNLOCK_NOT_LOCKED);
    struct detector_counts counts;
    detector_counts(world.d, &counts);
    assert_int_equal(counts.findings[FINDING_UNLOCK_NOT_LOCKED], 1);
    assert_int_equal(counts.repeats, 4);
}

static void unlock_of_a_shared_mutex_locked_by_another_process_is_silent(void **state)
{
    (void)state;
    world_unlock(1, world_mutex_of(0, (struct object_traits){.process_shared = true}));
    world_expect_nothing();
}

static void recursive_mutex_counts(void **state)
{
    (void)state;
    struct object *m = world_mutex_of(0, (struct object_traits){.type = MUTEX_RECURSIVE});
    world_lock(1, m);
    world_lock(1, m);
    world_unlock(1, m);
    assert_true(thread_holds_any(world_thread(1)));
    world_unlock(1, m);
    assert_false(thread_holds_any(world_thread(1)));
    world_expect_nothing();
    world_unlock(1, m);
    world_expect_one(FINDING_UNLOCK_NOT_LOCKED);
}

static void rwlock_unlock_by_a_thread_that_does_not_hold_it(void **state)
{
    (void)state;
    world_lock_shared(1, rwlock(0));
    world_lock_shared(2, rwlock(0));
    world_unlock(1, rwlock(0));
    world_unlock(2, rwlock(0));
    world_lock(1, rwlock(0));
    world_unlock(1, rwlock(0));
    world_expect_nothing();
    world_lock_shared(1, rwlock(0));
    world_unlock(2, rwlock(0));
    world_expect_one(FINDING_RWLOCK_UNLOCK_NOT_HELD);
}

static void robust_mutex_must_be_made_consistent(void **state)
{
    (void)state;
    struct object *m = world_mutex_of(0, (struct object_traits){.robust = true});
    detector_lock_acquired(world.d, world_thread(1), m, LOCK_EXCLUSIVE, true, world_at(1));
    detector_mutex_consistent(world.d, world_thread(1), m);
    world_unlock(1, m);
    world_expect_nothing();
    detector_lock_acquired(world.d, world_thread(1), m, LOCK_EXCLUSIVE, true, world_at(1));
    world_unlock(1, m);
    world_expect_one(FINDING_ROBUST_INCONSISTENT);
}

/* ---- taking again ---- */

static void relock_of_a_normal_mutex_is_a_deadlock_with_itself(void **state)
{
    (void)state;
    world_lock(0, world_mutex(0));
    world_block(0, world_mutex(0), LOCK_EXCLUSIVE, false);
    const struct world_finding *found = world_expect_one(FINDING_DEADLOCK);
    assert_int_equal(found->form, DEADLOCK_SELF);
    assert_true(found->certain_hang);
    assert_int_equal(found->party[0].held_count, 1);
}

static void relock_is_not_certain_to_hang_while_others_run(void **state)
{
    (void)state;
    (void)world_thread(1);
    world_lock(0, world_mutex(0));
    world_block(0, world_mutex(0), LOCK_EXCLUSIVE, false);
    assert_false(world_expect_one(FINDING_DEADLOCK)->certain_hang);
}

static void relock_that_cannot_hang_is_silent(void **state)
{
    (void)state;
    struct object *checked = world_mutex_of(0, (struct object_traits){.type = MUTEX_ERRORCHECK});
    world_lock(0, checked);
    detector_lock_request(world.d, world_thread(0), checked, LOCK_EXCLUSIVE, false, world_at(1));
    world_unlock(0, checked);
    world_lock(0, world_mutex(1));
    detector_lock_request(world.d, world_thread(0), world_mutex(1), LOCK_EXCLUSIVE, true, world_at(1)); /* timed */
    world_unlock(0, world_mutex(1));
    world_expect_nothing();
}

static void spinlock_relock_is_a_deadlock(void **state)
{
    (void)state;
    struct object *s = world_object(OBJECT_SPINLOCK, 0, (struct object_traits){0});
    world_lock(0, s);
    world_block(0, s, LOCK_EXCLUSIVE, false);
    assert_int_equal(world_expect_one(FINDING_DEADLOCK)->form, DEADLOCK_SELF);
}

static void reader_upgrade_hangs(void **state)
{
    (void)state;
    world_lock_shared(0, rwlock(0));
    world_block(0, rwlock(0), LOCK_EXCLUSIVE, false);
    const struct world_finding *found = world_expect_one(FINDING_DEADLOCK);
    assert_int_equal(found->form, DEADLOCK_SELF);
    assert_true(found->certain_hang);
}

static void writer_that_reads_is_refused_but_said(void **state)
{
    (void)state;
    world_lock(0, rwlock(0));
    detector_lock_request(world.d, world_thread(0), rwlock(0), LOCK_SHARED, false, world_at(1));
    const struct world_finding *found = world_expect_one(FINDING_DEADLOCK);
    assert_false(found->certain_hang);
    assert_non_null(strstr(found->detail, "EDEADLK"));
}

static void reading_twice_is_silent(void **state)
{
    (void)state;
    world_lock_shared(1, rwlock(0));
    world_block(2, rwlock(0), LOCK_EXCLUSIVE, false);
    world_lock_shared(1, rwlock(0));
    world_unlock(1, rwlock(0));
    world_unlock(1, rwlock(0));
    assert_false(thread_holds_any(world_thread(1)));
    world_expect_nothing();
}

static void reading_twice_behind_a_waiting_writer_that_goes_first_is_a_deadlock(void **state)
{
    (void)state;
    struct object *l = world_object(OBJECT_RWLOCK, 0, (struct object_traits){.prefers_writers = true});
    world_lock_shared(1, l);
    world_lock_shared(1, l);
    world_unlock(1, l);
    world_expect_nothing();
    world_block(2, l, LOCK_EXCLUSIVE, false);
    world_expect_nothing();
    world_block(1, l, LOCK_SHARED, false);
    const struct world_finding *found = world_expect_one(FINDING_DEADLOCK);
    assert_int_equal(found->form, DEADLOCK_SELF);
    assert_int_equal(found->party_count, 2);
}

/* ---- conditions ---- */

static void cond_wait_without_the_mutex(void **state)
{
    (void)state;
    world_lock(1, world_mutex(0));
    cond_wait(1, cond(0), world_mutex(0));
    cond_woken(1, cond(0), world_mutex(0));
    world_unlock(1, world_mutex(0));
    world_expect_nothing();
    detector_cond_wait(world.d, world_thread(2), cond(0), world_mutex(0), true, world_at(1));
    world_expect_one(FINDING_COND_WAIT_UNLOCKED);
}

static void cond_with_two_mutexes_at_once(void **state)
{
    (void)state;
    world_lock(1, world_mutex(0));
    cond_wait(1, cond(0), world_mutex(0));
    world_lock(2, world_mutex(1));
    cond_wait(2, cond(0), world_mutex(1));
    const struct world_finding *found = world_expect_one(FINDING_COND_TWO_MUTEXES);
    assert_int_equal(found->party[1].role, PARTY_WAITS);
    assert_int_equal(found->party[1].thread, thread_identity(world_thread(1)).v);
}

static void cond_with_two_mutexes_one_after_the_other_is_silent(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        world_lock(1, world_mutex(i));
        cond_wait(1, cond(0), world_mutex(i));
        detector_cond_signal(world.d, world_thread(0), cond(0), false, world_at(1));
        cond_woken(1, cond(0), world_mutex(i));
        world_unlock(1, world_mutex(i));
    }
    world_expect_nothing();
}

static void signal_without_the_mutex_is_opt_in(void **state)
{
    (void)state;
    for (int enabled = 0; enabled < 2; enabled++) {
        world_lock(1, world_mutex(0));
        cond_wait(1, cond(0), world_mutex(0));
        detector_cond_signal(world.d, world_thread(0), cond(0), false, world_at(1));
        cond_woken(1, cond(0), world_mutex(0));
        detector_cond_signal(world.d, world_thread(1), cond(0), false, world_at(2)); /* holds it */
        world_unlock(1, world_mutex(0));
        if (enabled == 0) {
            world_expect_nothing();
            world_enable_all();
        }
    }
    world_expect_one(FINDING_COND_SIGNAL_UNLOCKED);
}

/* ---- opt-in timing ---- */

static void lock_held_too_long_is_opt_in_and_has_a_threshold(void **state)
{
    (void)state;
    world_enable_all();
    world.now_ns = 1000000000;
    world_lock(0, world_mutex(0));
    world.now_ns += 99u * 1000000u;
    world_unlock(0, world_mutex(0));
    world_expect_nothing();
    world_lock(0, world_mutex(0));
    world.now_ns += 250u * 1000000u;
    world_unlock(0, world_mutex(0));
    assert_int_equal(world_expect_one(FINDING_LOCK_HELD_TOO_LONG)->number, 250);
}

static void blocking_call_with_a_lock_held_is_opt_in(void **state)
{
    (void)state;
    world_lock(0, world_mutex(0));
    detector_blocking_call(world.d, world_thread(0), "read", world_at(1));
    world_unlock(0, world_mutex(0));
    world_expect_nothing();
    world_enable_all();
    detector_blocking_call(world.d, world_thread(0), "read", world_at(1));
    world_expect_nothing();
    world_lock(0, world_mutex(0));
    detector_blocking_call(world.d, world_thread(0), "read", world_at(1));
    assert_string_equal(world_expect_one(FINDING_BLOCKING_CALL_WITH_LOCK_HELD)->detail, "read");
}

static void semaphore_posted_past_its_maximum(void **state)
{
    (void)state;
    struct object *s = world_object(OBJECT_SEMAPHORE, 0, (struct object_traits){.count = 3});
    world_sem_post(0, s);
    world_expect_nothing();
    detector_sem_post(world.d, world_thread(0), s, true, world_at(1));
    world_expect_one(FINDING_SEM_OVERFLOW);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pairs_of_lock_and_unlock_are_silent),
        TEST(unlock_by_a_stranger_is_reported_with_the_holder),
        TEST(unlock_by_a_stranger_ends_the_holders_hold),
        TEST(unlock_refused_by_the_library_leaves_the_holder),
        TEST(unrelease_puts_a_held_lock_back),
        TEST(second_unlock_is_reported),
        TEST(the_same_misuse_is_said_once),
        TEST(unlock_of_a_shared_mutex_locked_by_another_process_is_silent),
        TEST(recursive_mutex_counts),
        TEST(rwlock_unlock_by_a_thread_that_does_not_hold_it),
        TEST(robust_mutex_must_be_made_consistent),
        TEST(relock_of_a_normal_mutex_is_a_deadlock_with_itself),
        TEST(relock_is_not_certain_to_hang_while_others_run),
        TEST(relock_that_cannot_hang_is_silent),
        TEST(spinlock_relock_is_a_deadlock),
        TEST(reader_upgrade_hangs),
        TEST(writer_that_reads_is_refused_but_said),
        TEST(reading_twice_is_silent),
        TEST(reading_twice_behind_a_waiting_writer_that_goes_first_is_a_deadlock),
        TEST(cond_wait_without_the_mutex),
        TEST(cond_with_two_mutexes_at_once),
        TEST(cond_with_two_mutexes_one_after_the_other_is_silent),
        TEST(signal_without_the_mutex_is_opt_in),
        TEST(lock_held_too_long_is_opt_in_and_has_a_threshold),
        TEST(blocking_call_with_a_lock_held_is_opt_in),
        TEST(semaphore_posted_past_its_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
