/* Frames that were left, and what was atomic in them. */
#include "race_world.h"

#include "detector/race_popped.h"

#define X UINT64_C(0x7ffe12345670) /* on the stack of thread 1 */

static struct race_popped popped;

static void begin(void)
{
    race_world_plane(1), race_world_plane(2);
    popped = (struct race_popped){0};
}

static void at(uint64_t sp)
{
    race_popped_note(race_world.engine, &popped, sp);
}

static bool plain_store(int thread)
{
    race_popped_forget(race_world.engine, race_world_plane(1), &popped, X, 4);
    return race_world_write(thread, X, 4);
}

/* By the atomic operation that made the place one of order, thread 1 would be behind thread 2, and the other way round. */
static bool still_orders(void)
{
    race_world_exchange(1, X);
    (void)plain_store(1);
    uint64_t epoch = race_world_plane(1)->thread->hb.epoch;
    (void)race_world_write(1, X, 4);
    return race_world_plane(1)->thread->hb.epoch != epoch;
}

static void an_atomic_place_stays_one_while_its_frame_does(void **state)
{
    (void)state;
    begin();
    at(X - 64);
    assert_true(still_orders());
    at(X - 16);
    assert_true(still_orders());
    at(X + 8 + RACE_RED_ZONE - 1); /* a leaf function's */
    assert_true(still_orders());
}

static void it_is_plain_when_its_frame_was_left(void **state)
{
    (void)state;
    begin();
    race_world_exchange(1, X);
    at(X + 256);
    at(X - 64); /* called anew */
    assert_false(plain_store(1));
    uint64_t epoch = race_world_plane(1)->thread->hb.epoch;
    assert_false(race_world_write(1, X, 4));
    assert_int_equal(race_world_plane(1)->thread->hb.epoch, epoch);
    assert_true(race_world_write(2, X, 4));
    (void)world_expect_one(FINDING_DATA_RACE);
}

static void a_frame_left_before_does_not_count(void **state)
{
    (void)state;
    begin();
    at(X + 4096);
    at(X - 64);
    assert_true(still_orders());
}

static void the_highest_since_counts(void **state)
{
    (void)state;
    begin();
    for (uint32_t i = 1; i <= 4 * RACE_PEAKS; i++) /* ever deeper, a becoming at each */
        race_popped_rise(&popped, i, X - 16 * (uint64_t)i);
    assert_int_equal(popped.count, RACE_PEAKS);
    assert_true(race_popped_since(&popped, 0, X - 17 - RACE_RED_ZONE));
    assert_false(race_popped_since(&popped, 0, X));
    assert_true(race_popped_since(&popped, 3, X - 65 - RACE_RED_ZONE));
    assert_false(race_popped_since(&popped, 3, X - 64 - RACE_RED_ZONE));
    assert_false(race_popped_since(&popped, 4 * RACE_PEAKS, X - 4096)); /* nothing was noted since */
    race_popped_rise(&popped, 4 * RACE_PEAKS + 1, X);
    assert_int_equal(popped.count, 1);
    assert_true(race_popped_since(&popped, 4 * RACE_PEAKS, X - 1 - RACE_RED_ZONE));
}

static void counts_may_wrap(void **state)
{
    (void)state;
    begin();
    race_popped_rise(&popped, 2, X);
    assert_true(race_popped_since(&popped, UINT32_MAX - 2, X - 1024));
    assert_false(race_popped_since(&popped, 3, X - 1024));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, race_world_setup, race_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_atomic_place_stays_one_while_its_frame_does),
        TEST(it_is_plain_when_its_frame_was_left),
        TEST(a_frame_left_before_does_not_count),
        TEST(the_highest_since_counts),
        TEST(counts_may_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
