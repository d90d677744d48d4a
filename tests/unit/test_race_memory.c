/* What the planes cost is counted, kept within the budget and given back; races are lost by it, and none is made up. */
#include "race_world.h"

#include <stdio.h>

#include "detector/race_engine.h"

#define X UINT64_C(0x7f1234500000)

enum { PAGE = 4096, PAGES = 2048 };

static void touch(int thread, uint64_t low)
{
    for (uint64_t at = low; at < low + PAGES * PAGE; at += 256)
        assert_false(race_world_write(thread, at, 8));
}

/* Returns: pages of this process that are in memory. */
static long resident(void)
{
    long total = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld %ld", &total, &pages), 2);
    fclose(file);
    return pages;
}

static void memory_is_gone(int by)
{
    race_world_plane(1), race_world_plane(2);
    long before = resident();
    touch(1, X);
    assert_false(race_world_write(1, X - 8, 8));
    assert_false(race_world_write(1, X + PAGES * PAGE, 8));
    assert_true(resident() - before >= 2 * PAGES);
    race_range_mapped(race_world.engine, race_world_plane(by), X, X + PAGES * PAGE);
    assert_true(resident() - before <= PAGES / 2); /* what knows of the chunks stays */
    touch(2, X);
    world_expect_nothing();
    assert_true(race_world_write(2, X - 8, 8));
    assert_true(race_world_write(2, X + PAGES * PAGE, 8));
}

static void pages_of_memory_that_is_gone_go_back(void **state)
{
    (void)state;
    memory_is_gone(1);
}

static void whoever_says_that_it_is_gone(void **state)
{
    (void)state;
    memory_is_gone(2);
}

/* Whoever has got a block has most often had it before. */
static void of_a_block_given_out_anew_only_the_others_pages_go_back(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    long before = resident();
    touch(1, X);
    race_range_fresh(race_world.engine, race_world_plane(1), X, X + PAGES * PAGE);
    assert_true(resident() - before >= 2 * PAGES);
    assert_false(race_world_write(2, X + 8 * PAGE, 8)); /* and yet they are empty */
    race_range_fresh(race_world.engine, race_world_plane(1), X, X + PAGES * PAGE);
    touch(1, X);
    long full = resident();
    race_range_fresh(race_world.engine, race_world_plane(2), X, X + PAGES * PAGE);
    assert_true(full - resident() >= 2 * PAGES - PAGES / 2);
    touch(2, X);
    world_expect_nothing();
}

static void history_of_other_addresses_with_equal_low_halves_stays(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    assert_false(race_world_write(1, X + 8 * PAGE, 8));
    race_range_fresh(race_world.engine, race_world_plane(2), X - (UINT64_C(1) << 32),
                     X - (UINT64_C(1) << 32) + PAGES * PAGE);
    assert_true(race_world_write(2, X + 8 * PAGE, 8));
}

/* Sixteen TiB, as some run-time libraries reserve: no chunk comes twice. */
static void a_range_larger_than_the_window_is_fresh(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    uint64_t low = X - (UINT64_C(1) << 44), high = X + 4 * PAGE;
    assert_false(race_world_write(1, X, 8));
    assert_false(race_world_write(1, high - 8, 8));
    assert_false(race_world_write(1, low, 8));
    assert_false(race_world_write(1, high, 8));
    assert_false(race_world_write(1, low - 8, 8));
    race_range_mapped(race_world.engine, race_world_plane(2), low, high);
    assert_false(race_world_write(2, X, 8));
    assert_false(race_world_write(2, high - 8, 8));
    assert_false(race_world_write(2, low, 8));
    world_expect_nothing();
    assert_true(race_world_write(2, high, 8));
    assert_true(race_world_write(2, low - 8, 8));
}

static void past_the_budget_a_thread_drops_its_history(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    race_world.engine->host.budget = (size_t)2 * PAGE * PAGES;
    long before = resident();
    touch(1, X);
    race_world_settle();
    assert_true(resident() - before >= 2 * PAGES); /* just as much as there may be */
    assert_false(race_world_write(1, X - 8, 8));
    race_world_settle();
    assert_true(resident() - before <= PAGES / 2);
    touch(2, X + PAGES * PAGE);
    assert_false(race_world_write(2, X, 8)); /* lost */
    world_expect_nothing();
    assert_int_equal(race_world_counts().history_dropped, 1);
    assert_true(race_world_write(1, X, 8)); /* what comes after is seen */
}

static void without_a_budget_nothing_is_dropped(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    touch(1, X);
    race_world_settle();
    assert_true(race_world_write(2, X, 8));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, race_world_setup, race_world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(pages_of_memory_that_is_gone_go_back),
        CASE(whoever_says_that_it_is_gone),
        CASE(of_a_block_given_out_anew_only_the_others_pages_go_back),
        CASE(history_of_other_addresses_with_equal_low_halves_stays),
        CASE(a_range_larger_than_the_window_is_fresh),
        CASE(past_the_budget_a_thread_drops_its_history),
        CASE(without_a_budget_nothing_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
