/* Chunks that are read by several threads and written by none: reads that do no more than to be noted race all the same. */
#include "race_world.h"

#define X UINT64_C(0x7f1234567810)

enum { OFTEN = 100 };

/* Each read in an epoch of its own. */
static void read_often(int thread, uint64_t address)
{
    for (int i = 0; i < OFTEN; i++) {
        assert_false(race_world_read(thread, address, 8));
        race_world_lock(thread, 8 + thread);
        race_world_unlock(thread, 8 + thread);
    }
}

/* Threads 1 and 2 read X, which thread 1 has written, often enough for both to know that nobody writes there. */
static void make_still(void)
{
    race_world_plane(1), race_world_plane(2), race_world_plane(3);
    race_world_lock(1, 0);
    assert_false(race_world_write(1, X, 8));
    race_world_unlock(1, 0);
    race_world_lock(2, 0);
    race_world_unlock(2, 0);
    read_often(1, X);
    read_often(2, X);
    read_often(1, X);
}

static void a_write_races_with_the_latest_read(void **state)
{
    (void)state;
    make_still();
    race_world_lock(2, 1); /* all that thread 2 has read so far */
    race_world_unlock(2, 1);
    race_world_lock(1, 1);
    race_world_unlock(1, 1);
    assert_false(race_world_read(2, X, 8));
    assert_true(race_world_write(1, X, 8));
    assert_int_equal(world_expect_one(FINDING_DATA_RACE)->party[1].role, PARTY_READS);
}

static void a_write_that_has_seen_all_reads_races_with_none(void **state)
{
    (void)state;
    make_still();
    race_world_lock(2, 1);
    race_world_unlock(2, 1);
    race_world_lock(1, 1);
    assert_false(race_world_write(1, X, 8));
    race_world_unlock(1, 1);
    race_world_lock(2, 1);
    assert_false(race_world_read(2, X, 8));
    world_expect_nothing();
}

static void a_read_after_a_write_is_looked_at_again(void **state)
{
    (void)state;
    make_still();
    assert_false(race_world_read(2, X + 64, 8));
    race_world_lock(2, 1);
    race_world_unlock(2, 1);
    race_world_lock(1, 1);
    assert_false(race_world_write(1, X, 8));
    race_world_unlock(1, 1);
    assert_true(race_world_read(2, X, 8));
}

static void who_has_not_seen_the_write_races_with_it(void **state)
{
    (void)state;
    make_still();
    assert_true(race_world_read(3, X, 8));
}

static void memory_that_is_new_is_still_no_more(void **state)
{
    (void)state;
    make_still();
    race_range_fresh(race_world.engine, race_world_plane(1), X - 0x10, X + 0xf0);
    assert_false(race_world_write(1, X, 8));
    assert_true(race_world_read(2, X, 8));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, race_world_setup, race_world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_write_races_with_the_latest_read),      CASE(a_write_that_has_seen_all_reads_races_with_none),
        CASE(a_read_after_a_write_is_looked_at_again), CASE(who_has_not_seen_the_write_races_with_it),
        CASE(memory_that_is_new_is_still_no_more),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
