/* --races=hybrid by hand: which orders of locks hide a race, and which hand something over. */
#include "race_world.h"

#define X UINT64_C(0x7f1234567810)
#define F (X + 0x1000) /* what the sections use under their lock */

/* Changes memory in place and looks at nothing, like a counter's increment. */
static void count(int thread, uint64_t address)
{
    assert_false(race_world_access(thread, address, 4, RACE_WRITE | RACE_READ_MODIFY | RACE_UNTOLD));
}

static void section_that_counts(int thread, int mutex)
{
    race_world_lock(thread, mutex);
    count(thread, F);
    race_world_unlock(thread, mutex);
}

static void expect_hidden(void)
{
    const struct world_finding *f = world_expect_one(FINDING_DATA_RACE);
    assert_int_equal(f->severity, SEVERITY_WARNING);
    assert_string_not_equal(f->detail, "");
}

static void a_race_that_the_order_of_sections_hid_is_shown(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    assert_false(race_world_write(1, X, 4));
    section_that_counts(1, 0);
    section_that_counts(2, 0);
    assert_true(race_world_write(2, X, 4));
    expect_hidden();
}

static void a_race_without_order_is_an_error_as_ever(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    assert_false(race_world_write(1, X, 4));
    assert_true(race_world_write(2, X, 4));
    const struct world_finding *f = world_expect_one(FINDING_DATA_RACE);
    assert_int_equal(f->severity, SEVERITY_ERROR);
    assert_string_equal(f->detail, "");
}

static void a_common_lock_protects(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    for (int i = 0; i < 300; i++) {
        int t = 1 + i % 2;
        race_world_lock(t, i % 3);
        race_world_lock(t, 3);
        count(t, X);
        race_world_unlock(t, 3);
        race_world_unlock(t, i % 3);
    }
    world_expect_nothing();
}

static void two_locks_do_not_protect(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    race_world_lock(1, 1);
    assert_false(race_world_write(1, X, 4));
    race_world_unlock(1, 1);
    section_that_counts(1, 0);
    section_that_counts(2, 0);
    race_world_lock(2, 2);
    assert_true(race_world_write(2, X, 4));
    race_world_unlock(2, 2);
    expect_hidden();
}

static void shared_holds_do_not_exclude_each_other(void **state)
{
    (void)state;
    struct object_traits traits = {0};
    struct object *lock = world_object(OBJECT_RWLOCK, 0, traits);
    for (int t = 1; t <= 2; t++) {
        race_world_plane(t);
        world_lock_shared(t, lock);
        race_world_settle();
        assert_int_equal(race_world_write(t, X, 4), t == 2);
        world_unlock(t, lock);
        race_world_settle();
        section_that_counts(t, 0);
        section_that_counts(t + 1, 0);
    }
    expect_hidden();
}

static void a_flag_under_the_lock_hands_over(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    assert_false(race_world_write(1, X, 4));
    race_world_lock(1, 0);
    assert_false(race_world_write(1, F, 1));
    race_world_unlock(1, 0);
    race_world_lock(2, 0);
    assert_false(race_world_read(2, F, 1));
    race_world_unlock(2, 0);
    assert_false(race_world_write(2, X, 4));
    world_expect_nothing();
}

static void what_was_read_under_the_lock_and_is_overwritten_hands_over(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    race_world_lock(1, 0);
    assert_false(race_world_read(1, F, 8)); /* a list's node ... */
    assert_false(race_world_read(1, X, 4)); /* is still used */
    race_world_unlock(1, 0);
    race_world_lock(2, 0);
    assert_false(race_world_write(2, F, 8)); /* taken out */
    race_world_unlock(2, 0);
    assert_false(race_world_access(2, X, 64, RACE_WRITE | RACE_FREE));
    world_expect_nothing();
}

static void a_reference_count_under_the_lock_hands_over(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    for (int t = 1; t <= 2; t++) {
        assert_false(race_world_write(t, X + 64 * (uint64_t)t, 4));
        race_world_lock(t, 0);
        assert_false(race_world_access(t, F, 4, RACE_WRITE | RACE_READ_MODIFY)); /* and looks whether it is 0 */
        race_world_unlock(t, 0);
    }
    assert_false(race_world_access(2, X, 256, RACE_WRITE | RACE_FREE));
    world_expect_nothing();
}

static void what_a_third_thread_handed_over_before_comes_along(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2), race_world_plane(3);
    assert_false(race_world_write(1, X, 4));
    for (int t = 1; t <= 3; t++) {
        race_world_lock(t, 0);
        assert_false(race_world_read(t, F, 8));
        assert_false(race_world_write(t, F, 8));
        race_world_unlock(t, 0);
    }
    assert_false(race_world_write(3, X, 4));
    world_expect_nothing();
}

static void a_section_whose_work_is_not_seen_orders(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    assert_false(race_world_write(1, X, 4));
    race_world_section(1, 0);
    section_that_counts(2, 0);
    assert_false(race_world_write(2, X, 4));
    assert_false(race_world_write(2, X + 64, 4));
    section_that_counts(2, 1);
    race_world_section(1, 1);
    assert_false(race_world_write(1, X + 64, 4));
    world_expect_nothing();
}

static void what_is_no_lock_orders(void **state)
{
    (void)state;
    struct object_traits traits = {.count = 0};
    struct object *semaphore = world_object(OBJECT_SEMAPHORE, 0, traits);
    race_world_plane(1), race_world_plane(2);
    assert_false(race_world_write(1, X, 8));
    world_sem_post(1, semaphore);
    race_world_settle();
    world_sem_wait(2, semaphore);
    race_world_settle();
    assert_false(race_world_write(2, X, 8));
    race_world_exchange(2, X + 64);
    race_world_exchange(1, X + 64);
    assert_false(race_world_write(1, X, 8));
    race_world_end(1);
    race_world_join(0, 1);
    assert_false(race_world_write(0, X, 8));
    world_expect_nothing();
}

static void a_signal_hands_over_through_the_mutex(void **state)
{
    (void)state;
    struct object_traits traits = {0};
    struct object *condition = world_object(OBJECT_COND, 0, traits);
    race_world_plane(1), race_world_plane(2);
    assert_false(race_world_write(1, X, 8));
    race_world_lock(1, 0);
    count(1, F);
    detector_cond_signal(world.d, world_thread(1), condition, false, world_at(1));
    race_world_unlock(1, 0);
    section_that_counts(2, 0); /* too late to wait */
    assert_false(race_world_write(2, X, 8));
    world_expect_nothing();
}

static void relaxed_atomics_order_with_fences(void **state)
{
    (void)state;
    struct race_plane *one = race_world_plane(1), *two = race_world_plane(2);
    assert_false(race_world_write(1, X, 8));
    race_fence(race_world.engine, one, ORDER_RELEASE);
    race_atomic_before(race_world.engine, one, X + 32, 4, ORDER_RELAXED);
    section_that_counts(1, 0);
    section_that_counts(2, 0);
    race_atomic_after(race_world.engine, two, X + 32, 4, ORDER_RELAXED);
    race_fence(race_world.engine, two, ORDER_ACQUIRE);
    assert_false(race_world_write(2, X, 8));
    world_expect_nothing();
}

static void an_access_before_the_lock_is_not_under_it(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    assert_false(race_world_write(1, X, 4));
    race_world_lock(1, 0); /* no release in between: the epoch is the same */
    count(1, F);
    race_world_unlock(1, 0);
    race_world_lock(2, 0);
    count(2, F);
    assert_true(race_world_write(2, X, 4));
    expect_hidden();
}

static void more_locks_than_are_kept_count_as_common(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    for (int i = 1; i <= 9; i++)
        race_world_lock(1, i);
    assert_false(race_world_write(1, X, 4));
    for (int i = 9; i >= 1; i--)
        race_world_unlock(1, i);
    section_that_counts(1, 0);
    section_that_counts(2, 0);
    assert_false(race_world_write(2, X, 4));
    world_expect_nothing();
}

static void dropped_history_may_have_handed_over(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    assert_false(race_world_write(1, X, 4));
    race_world_lock(1, 0);
    assert_false(race_world_write(1, F, 1));
    race_world_unlock(1, 0);
    assert_false(race_world_write(1, F - (UINT64_C(1) << 32), 1)); /* the same place in the planes */
    race_world_lock(2, 0);
    assert_false(race_world_read(2, F, 1));
    race_world_unlock(2, 0);
    assert_false(race_world_write(2, X, 4));
    world_expect_nothing();
}

static void renumbering_keeps_the_locks(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2), race_world_plane(3);
    count(1, F + 64); /* the first of its group, without a lock */
    race_world_lock(1, 1);
    assert_false(race_world_write(1, X, 4));
    race_world_unlock(1, 1);
    for (uint64_t i = 0; i < 400; i++) {
        race_world_lock(1, 0);
        count(1, F);
        assert_false(race_world_write(1, X + 64 + 8 * i, 8));
        race_world_unlock(1, 0);
    }
    section_that_counts(2, 0);
    race_world_lock(2, 1);
    assert_false(race_world_write(2, X, 4));
    race_world_unlock(2, 1);
    world_expect_nothing();
    section_that_counts(3, 0);
    race_world_lock(3, 2);
    assert_true(race_world_write(3, X + 64, 4));
    race_world_unlock(3, 2);
    expect_hidden();
}

int main(void)
{
#define HYBRID(name) cmocka_unit_test_setup_teardown(name, race_world_setup_hybrid, race_world_teardown)
    const struct CMUnitTest tests[] = {
        HYBRID(a_race_that_the_order_of_sections_hid_is_shown),
        HYBRID(a_race_without_order_is_an_error_as_ever),
        HYBRID(a_common_lock_protects),
        HYBRID(two_locks_do_not_protect),
        HYBRID(shared_holds_do_not_exclude_each_other),
        HYBRID(a_flag_under_the_lock_hands_over),
        HYBRID(what_was_read_under_the_lock_and_is_overwritten_hands_over),
        HYBRID(a_reference_count_under_the_lock_hands_over),
        HYBRID(what_a_third_thread_handed_over_before_comes_along),
        HYBRID(a_section_whose_work_is_not_seen_orders),
        HYBRID(what_is_no_lock_orders),
        HYBRID(a_signal_hands_over_through_the_mutex),
        HYBRID(relaxed_atomics_order_with_fences),
        HYBRID(an_access_before_the_lock_is_not_under_it),
        HYBRID(more_locks_than_are_kept_count_as_common),
        HYBRID(dropped_history_may_have_handed_over),
        HYBRID(renumbering_keeps_the_locks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
