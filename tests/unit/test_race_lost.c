/* What has no room, or that nobody could see, loses races and makes none up; and is counted. */
#include "race_world.h"

#include "detector/race_engine.h"

#define X UINT64_C(0x7f1234567810)

enum { GRANULES = 1 << 20 };

static void fill_tables(void)
{
    race_world_plane(1), race_world_plane(2), race_world_plane(3);
    for (uint64_t i = 0; i < GRANULES; i++)
        race_world_exchange(3, X + 0x10000 + 8 * i);
}

static void atomics_past_the_tables_end_order(void **state)
{
    (void)state;
    fill_tables();
    assert_int_equal(race_world_counts().sync_addresses, GRANULES - 1);
    assert_false(race_world_write(1, X, 8));
    race_world_exchange(1, X + 0x1000);
    assert_false(race_world_write(1, X + 0x1000, 4)); /* by the way: the spinlock's plain store */
    assert_false(race_world_read(2, X + 0x1000, 4));
    race_world_exchange(2, X + 0x1000);
    assert_false(race_world_write(2, X, 8));
    world_expect_nothing();
    assert_int_equal(race_world_counts().syncs_spilled, 2);
    assert_true(race_world_write(3, X, 8)); /* has not touched those: still a race */
}

static void a_plain_load_past_the_tables_end_acquires_what_comes_later(void **state)
{
    (void)state;
    fill_tables();
    race_world_exchange(1, X + 0x1000);
    assert_false(race_world_read(2, X + 0x1000, 4)); /* seen before it happens */
    assert_false(race_world_write(1, X, 8));
    race_world_exchange(1, X + 0x1000); /* what it reads */
    assert_false(race_world_write(2, X, 8));
    world_expect_nothing();
}

static void a_store_before_the_first_atomic_releases_what_its_writer_had_seen(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2), race_world_plane(3);
    assert_false(race_world_write(3, X, 8));
    race_world_section(3, 0);
    race_world_section(1, 0);
    assert_false(race_world_write(1, X + 64, 4)); /* flag = 1, an atomic store that looks plain */
    race_world_exchange(2, X + 64);
    assert_false(race_world_write(2, X, 8)); /* after thread 3's, by way of thread 1 */
    world_expect_nothing();
    assert_int_equal(race_world_counts().orders_trusted, 1);
    assert_true(race_world_write(1, X, 8)); /* what comes after races as ever */
}

static void a_later_thread_of_a_plane_does_not_hide_what_is_trusted_of_the_earlier(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2), race_world_plane(3);
    assert_false(race_world_write(1, X, 8));
    race_world_end(1);
    race_world_join(0, 1);
    race_world_take_over(4, 1);                   /* created after the join */
    assert_false(race_world_write(4, X + 64, 4)); /* flag = 1 */
    race_world_exchange(2, X + 64);
    assert_false(race_world_write(2, X, 8));
    world_expect_nothing();
}

static void a_copy_of_many_atomics_acquires_what_each_of_them_reads(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    for (uint64_t i = 0; i < 100; i++)
        race_world_exchange(1, X + 8 * i);
    assert_false(race_world_read(2, X, 800)); /* seen before it happens */
    for (uint64_t i = 0; i < 100; i++) {
        assert_false(race_world_write(1, X + 4096 + 8 * i, 8));
        race_world_exchange(1, X + 8 * i);
    }
    assert_false(race_world_write(2, X + 4096, 800));
    world_expect_nothing();
}

static void what_a_handler_synchronises_inside_the_engine_counts_as_order(void **state)
{
    (void)state;
    struct race_plane *one = race_world_plane(1), *two = race_world_plane(2);
    assert_false(race_world_write(1, X, 8));
    race_part(one)->inside = true; /* a handler arrives while its thread is in the engine ... */
    race_atomic_before(race_world.engine, one, X + 64, 4, ORDER_SEQ_CST);
    race_leave(race_world.engine, race_part(one));
    race_atomic_after(race_world.engine, two, X + 64, 4, ORDER_SEQ_CST);
    assert_false(race_world_write(2, X, 8));
    world_expect_nothing();
    assert_int_equal(race_world_counts().orders_trusted, 1);
}

static void a_handlers_plain_access_inside_the_engine_orders_nothing(void **state)
{
    (void)state;
    struct race_plane *one = race_world_plane(1);
    race_world_plane(2);
    race_world_exchange(2, X + 1024);
    assert_false(race_world_write(1, X, 8));
    race_part(one)->inside = true;
    assert_false(race_access(race_world.engine, one, X + 512, 8, RACE_WRITE));
    race_leave(race_world.engine, race_part(one));
    assert_int_equal(race_world_counts().orders_trusted, 0);
    race_part(one)->inside = true;
    assert_false(race_access(race_world.engine, one, X + 1024, 4, RACE_WRITE)); /* a store of a sync address */
    race_leave(race_world.engine, race_part(one));
    assert_int_equal(race_world_counts().orders_trusted, 1);
    assert_false(race_world_write(2, X, 8));
}

static void nothing_is_claimed_while_a_thread_runs_unseen(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    race_unseen_begin(race_world.engine);
    assert_false(race_world_write(1, X, 8));
    assert_false(race_world_write(2, X, 8));
    assert_int_equal(race_world_counts().withheld, 1);
    race_unseen_end(race_world.engine);
    assert_false(race_world_write(2, X, 8));
    world_expect_nothing();
    race_world_section(1, 0);
    assert_false(race_world_write(1, X + 64, 8));
    assert_true(race_world_write(2, X + 64, 8));
}

static void nothing_is_claimed_without_memory_for_clocks(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    assert_false(race_world_write(1, X, 8));
    race_world.engine->d->clocks.lost++;
    assert_false(race_world_write(2, X, 8));
    assert_int_equal(race_world_counts().withheld, 1);
    world_expect_nothing();
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, race_world_setup, race_world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(atomics_past_the_tables_end_order),
        CASE(a_plain_load_past_the_tables_end_acquires_what_comes_later),
        CASE(a_store_before_the_first_atomic_releases_what_its_writer_had_seen),
        CASE(a_later_thread_of_a_plane_does_not_hide_what_is_trusted_of_the_earlier),
        CASE(a_copy_of_many_atomics_acquires_what_each_of_them_reads),
        CASE(what_a_handler_synchronises_inside_the_engine_counts_as_order),
        CASE(a_handlers_plain_access_inside_the_engine_orders_nothing),
        CASE(nothing_is_claimed_while_a_thread_runs_unseen),
        CASE(nothing_is_claimed_without_memory_for_clocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
