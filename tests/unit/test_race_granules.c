/* The table of sync addresses, by hand: what shares a bucket, and what a fork finds locked. */
#include "detector/race_granules.h"
#include "race_world.h"

#define X UINT64_C(0x7f1234567810)

static void put(uint64_t granule)
{
    struct race_granule_hold hold;
    assert_true(race_granule_put(race_world.engine, granule, 0xff, &hold));
    race_granule_release(&hold);
}

static bool is_there(uint64_t granule)
{
    struct race_granule_hold hold;
    bool is_clear = race_granules_are_clear(race_world.engine, granule, 8);
    bool is_there = race_granule_hold(race_world.engine, granule, 0xff, 0xff, &hold);
    if (is_there)
        race_granule_release(&hold);
    assert_int_equal(is_there, !is_clear);
    return is_there;
}

/* Returns: the next granule behind that one in its bucket; its filter is the same if `has_filter`. */
static uint64_t next_in_bucket(uint64_t granule, bool has_filter)
{
    for (uint64_t next = granule + RACE_GRANULE_BYTES;; next += RACE_GRANULE_BYTES)
        if (race_granule_bucket(next) == race_granule_bucket(granule) &&
            (race_granule_filter(next) == race_granule_filter(granule)) == has_filter)
            return next;
}

static void what_shares_a_bucket_is_told_apart(void **state)
{
    (void)state;
    race_world_plane(1);
    for (int has_filter = 0; has_filter < 2; has_filter++) {
        uint64_t one = X + 0x10000u * (uint64_t)has_filter, other = next_in_bucket(one, has_filter);
        put(one);
        assert_true(is_there(one));
        assert_false(is_there(other));
        put(other);
        race_granules_remove(race_world.engine, one, one + 8);
        assert_false(is_there(one));
        assert_true(is_there(other));
        race_granules_remove(race_world.engine, other, other + 8);
        assert_false(is_there(other));
    }
}

static void neighbours_have_buckets_of_one_line(void **state)
{
    (void)state;
    const uint64_t line = X & ~(uint64_t)(RACE_LINE_BYTES - 1);
    for (uint64_t i = 0; i < RACE_LINE_BYTES; i += RACE_GRANULE_BYTES) {
        assert_int_equal(race_granule_bucket(line + i) / 8, race_granule_bucket(line) / 8);
        assert_true(i == 0 || race_granule_bucket(line + i) != race_granule_bucket(line));
    }
}

/* What another thread had locked when this one forked. */
static void a_fork_unlocks(void **state)
{
    (void)state;
    race_world_plane(1);
    struct race_granule_hold hold;
    put(X);
    assert_true(race_granule_hold(race_world.engine, X, 0xff, 0xff, &hold));
    assert_true(race_granule_put(race_world.engine, X + 0x10000, 0xff, &hold));
    race_granules_forked(race_world.engine);
    assert_true(is_there(X));
    put(X + 0x10000);
    assert_true(is_there(X + 0x10000));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, race_world_setup, race_world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(what_shares_a_bucket_is_told_apart),
        CASE(neighbours_have_buckets_of_one_line),
        CASE(a_fork_unlocks),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
