/* Addresses that are used atomically, by hand: what they order. */
#include "detector/race_trust.h"
#include "race_world.h"

#define X    UINT64_C(0x7f1234567810)
#define FLAG (X + 64)

static void load(int thread, uint64_t address, uint32_t size)
{
    race_atomic_after(race_world.engine, race_world_plane(thread), address, size, ORDER_ACQUIRE);
}

static void store(int thread, uint64_t address, uint32_t size)
{
    race_atomic_before(race_world.engine, race_world_plane(thread), address, size, ORDER_RELEASE);
}

static void an_atomic_flag_hands_over(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    assert_false(race_world_write(1, X, 8));
    race_world_exchange(1, FLAG);
    assert_false(race_world_read(2, FLAG, 4)); /* a plain load of the flag */
    assert_true(race_owes(race_world_plane(2)));
    assert_false(race_world_write(2, X, 8));
    world_expect_nothing();
    assert_false(race_world_write(2, FLAG, 4)); /* no race with an atomic */
    world_expect_nothing();
}

static void a_copy_of_many_atomics_acquires_from_all(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    for (uint64_t i = 0; i < 20; i++) {
        assert_false(race_world_write(1, X + 1024 + 8 * i, 8));
        race_world_exchange(1, X + 8 * i);
    }
    assert_false(race_world_read(2, X, 160));
    assert_false(race_world_write(2, X + 1024, 160));
    world_expect_nothing();
}

static void a_plain_store_unlocks_a_spinlock(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    for (int i = 0; i < 200; i++) {
        int t = 1 + i % 2;
        race_world_exchange(t, X + 8);
        assert_false(race_world_write(t, X, 8));
        assert_false(race_world_write(t, X + 8, 4));
    }
    world_expect_nothing();
    assert_true(race_world_write(2 - 1, X, 8) || race_world_write(3, X, 8));
}

static void add_relaxed(int thread, uint64_t address)
{
    race_atomic_add(race_world.engine, race_world_plane(thread), address, 4, ORDER_RELAXED);
    race_atomic_after(race_world.engine, race_world_plane(thread), address, 4, ORDER_RELAXED);
}

/* However often, and whoever has been there before. */
static void relaxed_additions_order_nothing(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    for (int i = 0; i < 3; i++)
        add_relaxed(2, FLAG);
    assert_false(race_world_write(1, X, 8));
    for (int i = 0; i < 3; i++)
        add_relaxed(1, FLAG);
    add_relaxed(2, FLAG);
    assert_true(race_world_write(2, X, 8));
}

static void relaxed_additions_pass_on_what_was_released(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2), race_world_plane(3);
    add_relaxed(2, FLAG);
    add_relaxed(2, FLAG);
    assert_false(race_world_write(1, X, 8));
    store(1, FLAG, 4);
    add_relaxed(2, FLAG); /* its cache of what it took in is stale now */
    add_relaxed(2, FLAG);
    load(3, FLAG, 4);
    assert_false(race_world_write(3, X, 8));
    world_expect_nothing();
    assert_true(race_world_read(2, X, 8)); /* it has heard of nothing itself */
}

static void neighbours_hand_over_each_for_itself(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    store(1, FLAG, 4);
    load(2, FLAG + 4, 4);
    assert_false(race_world_write(1, X, 8));
    store(1, FLAG, 4);
    load(2, FLAG + 4, 4);
    assert_true(race_world_read(2, X, 8));
    load(2, FLAG, 4);
    assert_false(race_world_write(2, X, 8));
}

static void a_plain_load_acquires_from_what_it_covers(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2), race_world_plane(3);
    race_world_exchange(1, FLAG);
    race_world_exchange(2, FLAG + 4);
    assert_false(race_world_write(1, X, 8));
    assert_false(race_world_write(2, X + 8, 8));
    race_world_exchange(1, FLAG);
    race_world_exchange(2, FLAG + 4);
    assert_false(race_world_read(3, FLAG, 4));
    assert_false(race_world_read(3, X, 8));
    assert_true(race_world_read(3, X + 8, 8));
    assert_false(race_world_read(3, FLAG, 8));
    assert_false(race_world_write(3, X + 8, 8));
}

/* A lock whose halves some change on their own, and others together. */
static void what_is_used_in_several_sizes_counts_as_one(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2), race_world_plane(3);
    store(1, FLAG, 2);
    load(2, FLAG, 2); /* noted, and asked for again below */
    store(1, FLAG + 2, 2);
    load(3, FLAG, 4);
    assert_false(race_world_write(1, X, 8));
    store(1, FLAG + 2, 2);
    load(2, FLAG, 2);
    assert_false(race_world_write(2, X, 8));
    store(2, FLAG, 2);
    load(3, FLAG + 2, 2);
    assert_false(race_world_write(3, X, 8));
    world_expect_nothing();
}

static void relaxed_atomics_order_with_fences_only(void **state)
{
    (void)state;
    struct race_plane *one = race_world_plane(1), *two = race_world_plane(2);
    assert_false(race_world_write(1, X, 8));
    race_fence(race_world.engine, one, ORDER_RELEASE);
    race_atomic_before(race_world.engine, one, X + 32, 4, ORDER_RELAXED);
    race_atomic_after(race_world.engine, two, X + 32, 4, ORDER_RELAXED);
    race_fence(race_world.engine, two, ORDER_ACQUIRE);
    assert_false(race_world_write(2, X, 8));
    race_atomic_before(race_world.engine, two, X + 40, 4, ORDER_RELAXED);
    race_atomic_after(race_world.engine, one, X + 40, 4, ORDER_RELAXED);
    race_fence(race_world.engine, one, ORDER_ACQUIRE);
    assert_true(race_world_write(1, X, 8));
}

static void a_store_before_the_first_atomic_counts_as_released(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    assert_false(race_world_write(1, X, 8));
    assert_false(race_world_write(1, X + 8, 4));
    race_world_exchange(2, X + 8);
    assert_false(race_world_write(2, X, 8));
    world_expect_nothing();
}

/* X + 8 is stored to as if it were plain, and loaded only after its thread has released. */
static void store_plainly_and_release(void)
{
    race_world_plane(1), race_world_plane(2), race_world_plane(3);
    assert_false(race_world_write(1, X, 8));
    assert_false(race_world_write(1, X + 8, 4));
    race_world_section(1, 1);
}

static void what_stands_there_when_it_is_first_loaded_was_released(void **state)
{
    (void)state;
    store_plainly_and_release();
    assert_false(race_world_write(1, X + 16, 8)); /* in another epoch than the store */
    load(1, X + 8, 4);
    load(2, X + 8, 4);
    assert_false(race_world_write(2, X, 8));
    world_expect_nothing();
    assert_true(race_world_write(2, X + 16, 8));
}

static void what_another_stored_there_and_the_first_to_load_has_seen_was_released(void **state)
{
    (void)state;
    store_plainly_and_release();
    race_world_section(2, 1);
    load(2, X + 8, 4);
    load(3, X + 8, 4);
    assert_false(race_world_write(3, X, 8));
    world_expect_nothing();
}

static void what_another_stored_there_unseen_may_hand_on_what_the_first_to_load_released(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2), race_world_plane(3);
    assert_false(race_world_write(1, X, 8));
    race_world_section(1, 1);
    race_world_section(2, 1);
    assert_false(race_world_write(2, X + 8, 4));
    load(1, X + 8, 4);
    load(3, X + 8, 4);
    assert_false(race_world_write(3, X, 8));
    world_expect_nothing();
}

static void what_was_taken_in_hides_no_later_release(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    store(1, FLAG, 4);
    load(2, FLAG, 4);
    for (uint64_t at = X; at < X + 32; at += 8) {
        assert_false(race_world_write(1, at, 8));
        store(1, FLAG, 4);
        load(2, FLAG, 4);
        assert_false(race_world_read(2, at, 8));
    }
    world_expect_nothing();
    assert_false(race_world_write(1, X + 32, 8));
    load(2, FLAG, 4); /* what it has taken in already */
    assert_true(race_world_read(2, X + 32, 8));
}

static void what_was_taken_in_at_one_address_says_nothing_of_another(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    uint64_t other = X + 64 + (uint64_t)8 * RACE_TAKEN; /* of the same place among what was taken */
    race_world_exchange(1, other);
    load(2, FLAG, 4);
    assert_false(race_world_write(1, X, 8));
    race_world_exchange(1, other);
    load(2, FLAG, 4);
    assert_true(race_world_read(2, X, 8));
    assert_false(race_world_write(1, X + 8, 8));
    race_world_exchange(1, other);
    load(2, other, 4);
    assert_false(race_world_read(2, X + 8, 8));
}

static void a_wide_load_behind_a_store_to_a_part_of_it_acquires_the_others(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    assert_false(race_world_write(1, X + 64, 8));
    store(1, X + 1, 1);
    store(2, X, 1);
    load(2, X, 8);
    assert_false(race_world_write(2, X + 64, 8));
    world_expect_nothing();
}

static void both_halves_of_a_wide_atomic_are_acquired(void **state)
{
    (void)state;
    struct race_plane *one = race_world_plane(1), *two = race_world_plane(2);
    race_atomic_before(race_world.engine, two, X, 16, ORDER_ACQ_REL);
    race_atomic_after(race_world.engine, two, X, 16, ORDER_ACQ_REL);
    assert_false(race_world_write(1, X + 64, 8));
    race_atomic_before(race_world.engine, one, X + 8, 8, ORDER_RELEASE);
    race_atomic_after(race_world.engine, two, X, 16, ORDER_ACQUIRE);
    assert_false(race_world_write(2, X + 64, 8));
    world_expect_nothing();
}

static void what_is_known_no_more_may_have_been_handed_over(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    assert_false(race_world_write(1, X, 8));
    assert_false(race_world_write(1, FLAG, 4));
    race_world.recalled.found = false;
    assert_true(race_world_access(2, FLAG, 4, RACE_GUESS | RACE_DECIDES));
    assert_int_equal(world_expect_one(FINDING_DATA_RACE)->severity, SEVERITY_WARNING);
    assert_false(race_world_read(2, X, 8));
    race_world_section(1, 0);
    assert_false(race_world_write(1, X + 8, 8));
    assert_true(race_world_read(2, X + 8, 8)); /* what came in later epochs was not */
}

static void a_plain_look_at_what_may_be_atomic_is_a_warning(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    assert_false(race_world_write(1, X, 8));
    assert_false(race_world_access(1, FLAG, 4, RACE_WRITE | RACE_GUESS));
    race_world.recalled = (struct race_recalled){.found = true, .flags = RACE_WRITE | RACE_GUESS, .position = 9};
    assert_true(race_world_access(2, FLAG, 4, RACE_LOOKS));
    assert_int_equal(world_expect_one(FINDING_DATA_RACE)->severity, SEVERITY_WARNING);
    race_world.recalled = (struct race_recalled){.found = true, .flags = RACE_WRITE, .position = 8};
    assert_false(race_world_read(2, X, 8));
}

/* It has a tag of its present epoch there, and will not look again while that stands. */
static void a_flag_is_looked_at_anew_though_the_look_is_trusted(void **state)
{
    (void)state;
    race_world_plane(1);
    struct race_plane *two = race_world_plane(2);
    assert_false(race_world_access(2, FLAG, 8, RACE_GUESS | RACE_DECIDES));
    race_trust_all(race_world.engine, NULL);
    for (int i = 0; i < 1000; i++) /* so that it would have the chunk to itself */
        assert_false(race_world_write(1, X + 128, 8));
    assert_false(race_world_access(1, FLAG, 8, RACE_WRITE | RACE_GUESS));
    assert_int_equal(two->tags[race_place(two, FLAG)], 0);
    world_expect_nothing();
}

static void a_plain_look_at_a_plain_store_is_an_error(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    assert_false(race_world_write(1, X, 8));
    assert_false(race_world_write(1, FLAG, 4));
    race_world.recalled = (struct race_recalled){.found = true, .flags = RACE_WRITE, .position = 9};
    assert_true(race_world_access(2, FLAG, 4, RACE_LOOKS));
    assert_int_equal(world_expect_one(FINDING_DATA_RACE)->severity, SEVERITY_ERROR);
    assert_true(race_world_read(2, X, 8));
}

/* Thread 1 stores to the flag, to X, and in the same epoch to the flag again: the history has the first of its stores, and
 * that there may be others up to `until`. */
static void store_to_flag_twice(uint64_t until)
{
    const uint32_t stores = RACE_WRITE | RACE_GUESS;
    race_world_plane(1), race_world_plane(2);
    assert_false(race_world_access(1, FLAG, 4, stores));
    assert_false(race_world_write(1, X, 8));
    race_world.recalled =
        (struct race_recalled){.found = true, .stack = {77}, .flags = stores, .position = 10, .until = until};
}

/* What thread 2 meets behind the flag lies between the two stores. */
static void expect_a_warning_behind_the_flag(void)
{
    assert_true(race_world_access(2, FLAG, 4, RACE_GUESS | RACE_DECIDES));
    race_world.recalled =
        (struct race_recalled){.found = true, .stack = {78}, .flags = RACE_WRITE, .position = 15, .until = 20};
    assert_true(race_world_read(2, X, 8));
    assert_int_equal(world.found_count, 2);
    assert_int_equal(world.found[1].severity, SEVERITY_WARNING);
}

static void what_a_store_done_again_may_have_handed_over_is_a_warning(void **state)
{
    (void)state;
    store_to_flag_twice(20);
    expect_a_warning_behind_the_flag();
    assert_false(race_world_write(1, X + 16, 8));
    race_world.recalled.position = 20;
    assert_true(race_world_read(2, X + 16, 8));
    assert_int_equal(world.found_count, 3);
    assert_int_equal(world.found[2].severity, SEVERITY_ERROR);
}

/* The second store is made while the first is looked into. */
static void what_was_done_while_a_flag_was_judged_is_a_warning(void **state)
{
    (void)state;
    store_to_flag_twice(12);
    race_world.then = race_world.recalled;
    race_world.then.until = 20;
    expect_a_warning_behind_the_flag();
}

/* Thread 2 will look again, thread 3 has a tag of its present epoch and will not.  Only the race with the first is met. */
static void look_at_flag_before_it_is_stored(void)
{
    race_world_plane(1), race_world_plane(2), race_world_plane(3);
    assert_false(race_world_access(2, FLAG, 8, RACE_GUESS | RACE_DECIDES));
    race_world_section(2, 0);
    assert_false(race_world_access(3, FLAG, 8, RACE_GUESS | RACE_DECIDES));
    assert_false(race_world_write(1, X, 8));
}

static void who_waits_is_handed_over_though_another_look_has_aged(void **state)
{
    (void)state;
    look_at_flag_before_it_is_stored();
    race_world.recalled.found = false;
    assert_true(race_world_access(1, FLAG, 8, RACE_WRITE | RACE_GUESS));
    assert_int_equal(world_expect_one(FINDING_DATA_RACE)->severity, SEVERITY_WARNING);
    assert_false(race_world_read(3, X, 8));
}

static void who_waits_is_handed_over_though_another_only_reads(void **state)
{
    (void)state;
    struct race_plane *three = race_world_plane(3);
    look_at_flag_before_it_is_stored();
    race_world.recalled = (struct race_recalled){.found = true, .stack = {77}, .position = 10, .until = 12};
    race_world.then = race_world.recalled;
    race_world.then.flags = RACE_GUESS | RACE_DECIDES;
    assert_true(race_world_access(1, FLAG, 8, RACE_WRITE | RACE_GUESS));
    assert_int_equal(three->tags[race_place(three, FLAG)], 0); /* it finds a sync address */
    assert_false(race_world_access(3, FLAG, 8, RACE_GUESS | RACE_DECIDES));
    assert_false(race_world_read(3, X, 8));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, race_world_setup, race_world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(an_atomic_flag_hands_over),
        CASE(a_copy_of_many_atomics_acquires_from_all),
        CASE(a_plain_store_unlocks_a_spinlock),
        CASE(relaxed_additions_order_nothing),
        CASE(relaxed_additions_pass_on_what_was_released),
        CASE(neighbours_hand_over_each_for_itself),
        CASE(a_plain_load_acquires_from_what_it_covers),
        CASE(what_is_used_in_several_sizes_counts_as_one),
        CASE(relaxed_atomics_order_with_fences_only),
        CASE(a_store_before_the_first_atomic_counts_as_released),
        CASE(what_stands_there_when_it_is_first_loaded_was_released),
        CASE(what_another_stored_there_unseen_may_hand_on_what_the_first_to_load_released),
        CASE(what_another_stored_there_and_the_first_to_load_has_seen_was_released),
        CASE(what_was_taken_in_hides_no_later_release),
        CASE(what_was_taken_in_at_one_address_says_nothing_of_another),
        CASE(a_wide_load_behind_a_store_to_a_part_of_it_acquires_the_others),
        CASE(both_halves_of_a_wide_atomic_are_acquired),
        CASE(a_plain_look_at_what_may_be_atomic_is_a_warning),
        CASE(a_plain_look_at_a_plain_store_is_an_error),
        CASE(a_flag_is_looked_at_anew_though_the_look_is_trusted),
        CASE(what_is_known_no_more_may_have_been_handed_over),
        CASE(what_a_store_done_again_may_have_handed_over_is_a_warning),
        CASE(what_was_done_while_a_flag_was_judged_is_a_warning),
        CASE(who_waits_is_handed_over_though_another_look_has_aged),
        CASE(who_waits_is_handed_over_though_another_only_reads),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
