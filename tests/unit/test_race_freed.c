/* Blocks that are freed beside atomic operations on them, by hand. */
#include "race_world.h"

#include "detector/state.h"

#define BLOCK UINT64_C(0x7f1234567810)
#define COUNT (BLOCK + 16)

static bool free_block(int thread)
{
    return race_world_access(thread, BLOCK, 64, RACE_WRITE | RACE_FREE | RACE_LIBRARY);
}

/* Behind which the history answers. */
static void begin(void)
{
    race_world_plane(1), race_world_plane(2), race_world_plane(3);
    race_world.released = (struct race_recalled){.found = true, .stack = {77}, .flags = RACE_WRITE | RACE_ATOMIC};
}

static void store(int thread, int order)
{
    race_atomic_before(race_world.engine, race_world_plane(thread), COUNT, 4, order);
}

static void load(int thread, int order)
{
    race_atomic_after(race_world.engine, race_world_plane(thread), COUNT, 4, order);
}

static void a_free_that_has_not_heard_of_an_operation_races(void **state)
{
    (void)state;
    begin();
    uint64_t epoch = race_world_plane(1)->thread->hb.epoch;
    race_world_exchange(1, COUNT);
    assert_true(free_block(2));
    const struct world_finding *found = world_expect_one(FINDING_DATA_RACE);
    assert_int_equal(found->party[0].role, PARTY_FREES);
    assert_int_equal(found->party[1].role, PARTY_WRITES);
    assert_int_equal(found->party[1].thread, race_world_plane(1)->thread->id.v);
    assert_int_equal(race_world.released_epoch, epoch);
}

static void the_last_to_count_down_frees(void **state)
{
    (void)state;
    begin();
    for (int t = 1; t <= 3; t++) {
        assert_false(race_world_read(t, BLOCK, 8));
        race_world_exchange(t, COUNT);
    }
    assert_false(free_block(3));
    world_expect_nothing();
}

/* The first is still behind its instruction when the second has freed the block. */
static void the_end_of_an_operation_says_nothing_of_a_freed_block(void **state)
{
    (void)state;
    begin();
    race_atomic_before(race_world.engine, race_world_plane(1), COUNT, 4, ORDER_ACQ_REL);
    race_world_exchange(2, COUNT);
    assert_false(free_block(2));
    race_atomic_after(race_world.engine, race_world_plane(1), COUNT, 4, ORDER_ACQ_REL);
    race_world.recalled = (struct race_recalled){.found = true, .stack = {78}, .flags = RACE_WRITE | RACE_FREE};
    assert_true(race_world_read(1, COUNT, 4)); /* no sync address has come of it: a plain access races with the free */
    (void)world_expect_one(FINDING_DATA_RACE);
}

static void any_load_of_the_flag_is_enough(void **state)
{
    (void)state;
    static const int orders[][2] = {
        {ORDER_RELEASE, ORDER_ACQUIRE}, {ORDER_RELEASE, ORDER_RELAXED}, {ORDER_RELAXED, ORDER_RELAXED}};
    begin();
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        race_range_fresh(race_world.engine, race_world_plane(1), BLOCK, BLOCK + 64);
        race_world_exchange(1, COUNT);
        store(1, orders[i][0]);
        load(2, orders[i][1]);
        assert_false(free_block(2));
    }
    world_expect_nothing();
}

static void what_came_after_the_load_races(void **state)
{
    (void)state;
    begin();
    store(1, ORDER_RELEASE);
    load(2, ORDER_ACQUIRE);
    store(1, ORDER_RELEASE);
    assert_true(free_block(2));
    (void)world_expect_one(FINDING_DATA_RACE);
}

static void an_operation_that_comes_after_the_free_races(void **state)
{
    (void)state;
    begin();
    race_world.recalled = (struct race_recalled){.found = true, .stack = {78}, .flags = RACE_WRITE | RACE_FREE};
    race_world_exchange(1, COUNT);
    assert_false(free_block(1));
    race_world_exchange(2, COUNT);
    assert_int_equal(world_expect_one(FINDING_DATA_RACE)->party[1].role, PARTY_FREES);
}

static void a_block_that_is_given_out_again_is_new(void **state)
{
    (void)state;
    begin();
    race_world.recalled = (struct race_recalled){.found = true, .stack = {78}, .flags = RACE_WRITE | RACE_FREE};
    race_world_exchange(1, COUNT);
    assert_false(free_block(1));
    race_range_fresh(race_world.engine, race_world_plane(2), BLOCK, BLOCK + 64);
    race_world_exchange(2, COUNT);
    assert_false(free_block(2));
    world_expect_nothing();
}

static void a_block_that_may_stay_keeps_its_atomics(void **state)
{
    (void)state;
    begin();
    race_world_exchange(1, COUNT);
    load(2, ORDER_ACQUIRE);
    assert_false(race_world_access(2, BLOCK, 64, RACE_WRITE | RACE_FREE | RACE_LIBRARY | RACE_READ_MODIFY));
    assert_false(race_world_read(3, COUNT, 4)); /* an atomic load */
    world_expect_nothing();
}

static void what_the_history_has_lost_is_not_told(void **state)
{
    (void)state;
    begin();
    race_world.released.found = false;
    race_world_exchange(1, COUNT);
    assert_false(free_block(2));
    world_expect_nothing();
}

static void neighbours_of_the_block_do_not_matter(void **state)
{
    (void)state;
    begin();
    race_world_exchange(1, BLOCK + 60);
    assert_false(race_world_access(2, BLOCK, 60, RACE_WRITE | RACE_FREE | RACE_LIBRARY));
    world_expect_nothing();
}

static void the_last_of_the_block_does_beside_a_neighbour(void **state)
{
    (void)state;
    begin();
    race_world_exchange(1, BLOCK + 60);
    race_world_exchange(1, BLOCK + 56);
    assert_true(race_world_access(2, BLOCK, 60, RACE_WRITE | RACE_FREE | RACE_LIBRARY));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, race_world_setup, race_world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_free_that_has_not_heard_of_an_operation_races),
        CASE(the_last_to_count_down_frees),
        CASE(the_end_of_an_operation_says_nothing_of_a_freed_block),
        CASE(any_load_of_the_flag_is_enough),
        CASE(what_came_after_the_load_races),
        CASE(an_operation_that_comes_after_the_free_races),
        CASE(a_block_that_is_given_out_again_is_new),
        CASE(a_block_that_may_stay_keeps_its_atomics),
        CASE(what_the_history_has_lost_is_not_told),
        CASE(neighbours_of_the_block_do_not_matter),
        CASE(the_last_of_the_block_does_beside_a_neighbour),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
