/* What a loop is about to touch, told at once: the same as element by element. */
#include <string.h>

#include "race_world.h"

#include "detector/race_run.h"

#define ARRAY UINT64_C(0x7f1234560000)

static uint64_t state = 1;

static uint64_t next_random(void)
{
    state ^= state << 13; /* Marsaglia, "Xorshift RNGs", 2003 */
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void tell_run(int thread, struct race_run run)
{
    struct race_run stretch;
    struct race_plane *plane = race_world_plane(thread);
    race_world.stack++;
    while (race_run_next(plane, &run, 1024, &stretch)) {
        assert_true(stretch.count * stretch.element <= 1024);
        race_run(race_world.engine, plane, &stretch);
    }
}

static bool is_touched(int thread, uint64_t address, bool writes)
{
    const struct race_plane *plane = race_world_plane(thread);
    uint8_t tag = plane->tags[race_place(plane, address)];
    return writes ? tag == plane->write_tag && plane->writes[race_place(plane, address)] == plane->write_tag
                  : (tag | 1) == plane->write_tag;
}

/* To the byte, wherever it begins, whatever was touched before. */
static void a_run_touches_its_elements_and_nothing_else(void **unused)
{
    (void)unused;
    for (int turn = 0; turn < 400; turn++) {
        uint64_t base = ARRAY + (uint64_t)turn * 16384, low = base + 64 + next_random() % 300;
        struct race_run run = {.address = low, .count = 1 + next_random() % 500, .element = 1U << next_random() % 5};
        run.flags = next_random() % 2 ? RACE_WRITE : 0;
        uint64_t high = low + run.count * run.element;
        for (int i = 0; i < 3; i++)
            race_world_read(1, low + next_random() % (high - low), 8);
        race_world_write(1, low + next_random() % (high - low), 1 + next_random() % 200);
        race_world_lock(1, 0);
        race_world_unlock(1, 0);
        race_world_settle();
        if (turn % 2)
            race_world_write(1, low, 1 + next_random() % (high - low));
        uint8_t before = race_world_plane(1)->tags[race_place(race_world_plane(1), low - 1)];
        tell_run(1, run);
        for (uint64_t at = low; at < high; at++)
            assert_true(is_touched(1, at, run.flags != 0));
        assert_int_equal(race_world_plane(1)->tags[race_place(race_world_plane(1), low - 1)], before);
        world_expect_nothing();
    }
}

/* The element that races is told, and no other. */
static void of_a_run_the_element_that_races_is_told(void **unused)
{
    (void)unused;
    race_world_plane(2);
    race_world_write(1, ARRAY + 4 * 333, 4);
    tell_run(2, (struct race_run){.address = ARRAY, .count = 1000, .element = 4});
    const struct world_finding *found = world_expect_one(FINDING_DATA_RACE);
    assert_int_equal(found->party[0].access_address, ARRAY + 4 * 333);
    assert_int_equal(found->party[0].access_size, 4);
}

static void beside_a_run_nothing_races(void **unused)
{
    (void)unused;
    race_world_plane(2);
    race_world_write(1, ARRAY - 1, 1);
    race_world_write(1, ARRAY + 4000, 8);
    tell_run(2, (struct race_run){.address = ARRAY, .count = 1000, .element = 4, .flags = RACE_WRITE});
    world_expect_nothing();
}

static void what_comes_later_meets_all_of_a_run(void **unused)
{
    (void)unused;
    race_world_plane(2);
    tell_run(1, (struct race_run){.address = ARRAY, .count = 1000, .element = 4, .flags = RACE_WRITE});
    assert_true(race_world_read(2, ARRAY + 3999, 1));
    assert_false(race_world_read(2, ARRAY + 4000, 1));
    (void)world_expect_one(FINDING_DATA_RACE);
}

/* A load of such an address acquires when it is made, not when the loop begins. */
static void synchronising_addresses_are_no_part_of_a_run(void **unused)
{
    (void)unused;
    race_world_plane(1);
    assert_true(race_run_may(race_world.engine, ARRAY, 4096));
    race_world_exchange(1, ARRAY + 2048);
    assert_false(race_run_may(race_world.engine, ARRAY, 4096));
    assert_false(race_run_may(race_world.engine, ARRAY + 2048, 8));
    assert_true(race_run_may(race_world.engine, ARRAY, 1024));
}

static void hidden_races_are_looked_for_one_by_one(void **unused)
{
    (void)unused;
    race_world_plane(1);
    assert_false(race_run_may(race_world.engine, ARRAY, 4096));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, race_world_setup, race_world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_run_touches_its_elements_and_nothing_else),
        CASE(of_a_run_the_element_that_races_is_told),
        CASE(beside_a_run_nothing_races),
        CASE(what_comes_later_meets_all_of_a_run),
        CASE(synchronising_addresses_are_no_part_of_a_run),
        cmocka_unit_test_setup_teardown(hidden_races_are_looked_for_one_by_one, race_world_setup_hybrid,
                                        race_world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
