/* The race engine by hand: which pairs of accesses race and which do not. */
#include "race_world.h"

#include "detector/thread.h"

#define X UINT64_C(0x7f1234567810)

static void two_writes_race(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    assert_false(race_world_write(1, X, 4));
    assert_true(race_world_write(2, X, 4));
    const struct world_finding *f = world_expect_one(FINDING_DATA_RACE);
    assert_int_equal(f->party_count, 2);
    assert_int_equal(f->party[0].role, PARTY_WRITES);
    assert_int_equal(f->party[0].thread, 3);
    assert_int_equal(f->party[1].role, PARTY_WRITES);
    assert_int_equal(f->party[1].thread, 2);
}

static void read_then_write_races(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    assert_false(race_world_read(1, X, 8));
    assert_true(race_world_write(2, X + 3, 1));
    assert_int_equal(world_expect_one(FINDING_DATA_RACE)->party[1].role, PARTY_READS);
}

static void write_then_read_races(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    assert_false(race_world_write(1, X, 8));
    race_world_lock(1, 0);
    assert_false(race_world_read(1, X, 8)); /* hides the write in the window of accesses */
    race_world_unlock(1, 0);
    assert_true(race_world_read(2, X + 7, 1));
    assert_int_equal(world_expect_one(FINDING_DATA_RACE)->party[1].role, PARTY_WRITES);
}

static void reads_do_not_race(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    assert_false(race_world_read(1, X, 8));
    assert_false(race_world_read(2, X, 8));
    assert_false(race_world_read(1, X, 8));
    world_expect_nothing();
}

static void neighbouring_bytes_do_not_race(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    for (int i = 0; i < 3; i++) {
        assert_false(race_world_write(1, X, 1));
        assert_false(race_world_write(2, X + 1, 1));
        assert_false(race_world_write(1, X + 2, 2));
        assert_false(race_world_write(2, X + 4, 8));
    }
    world_expect_nothing();
    assert_true(race_world_write(2, X + 1, 2));
}

static void a_lock_orders(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    for (int i = 0; i < 300; i++) {
        int t = 1 + i % 2;
        race_world_lock(t, 0);
        assert_false(race_world_read(t, X, 4));
        assert_false(race_world_write(t, X, 4));
        race_world_unlock(t, 0);
    }
    world_expect_nothing();
}

static void unlocked_read_after_locked_writes_of_neighbours_races(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2), race_world_plane(3);
    race_world_lock(1, 0);
    assert_false(race_world_write(1, X, 4));
    race_world_unlock(1, 0);
    race_world_lock(2, 0);
    assert_false(race_world_write(2, X + 100, 4)); /* takes the chunk over */
    race_world_unlock(2, 0);
    assert_true(race_world_read(3, X, 4)); /* the tags of thread 1 are still there */
}

static void two_locks_do_not_order(void **state)
{
    (void)state;
    race_world_lock(1, 0);
    assert_false(race_world_write(1, X, 4));
    race_world_unlock(1, 0);
    race_world_lock(2, 1);
    assert_true(race_world_write(2, X, 4));
    race_world_unlock(2, 1);
}

static void creation_and_join_order(void **state)
{
    (void)state;
    assert_false(race_world_write(0, X, 8));
    race_world_plane(1); /* created by thread 0 now */
    assert_false(race_world_write(1, X, 8));
    race_world_end(1);
    detector_join_request(world.d, world_thread(0), world_thread(1), false, world_at(1));
    race_world_join(0, 1);
    assert_false(race_world_write(0, X, 8));
    world_expect_nothing();
}

static void an_access_beside_the_join_races(void **state)
{
    (void)state;
    race_world_plane(1);
    assert_false(race_world_write(1, X, 8));
    race_world_end(1);
    assert_true(race_world_read(0, X, 1)); /* not joined yet */
}

static void fresh_memory_has_no_history(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    assert_false(race_world_write(1, X, 1000));
    race_world_exchange(1, X + 2000);
    race_range_fresh(race_world.engine, race_world_plane(2), X, X + 1000);
    assert_false(race_world_write(2, X, 1000));
    world_expect_nothing();
    assert_true(race_world_write(1, X + 500, 1));
    race_range_fresh(race_world.engine, race_world_plane(2), X + 1536, X + 4096);
    assert_false(race_world_read(2, X + 2000, 4));
    assert_false(race_owes(race_world_plane(2)));
}

static void free_races_with_a_use(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    assert_false(race_world_read(1, X + 5000, 1));
    assert_true(race_world_access(2, X, 100000, RACE_WRITE | RACE_FREE));
    assert_int_equal(world_expect_one(FINDING_DATA_RACE)->party[0].role, PARTY_FREES);
}

static void addresses_with_equal_low_halves_do_not_meet(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    assert_false(race_world_write(1, X, 8));
    assert_false(race_world_write(2, X - (UINT64_C(1) << 32), 8));
    assert_false(race_world_write(1, X, 8));
    world_expect_nothing();
    assert_int_equal(race_world_counts().history_dropped, 2);
}

static void generations_are_renumbered(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2), race_world_plane(3);
    for (uint64_t i = 0; i < 1000; i++) {
        race_world_lock(1, 0);
        assert_false(race_world_write(1, X + 8 * i, 8));
        race_world_unlock(1, 0);
    }
    race_world_section(2, 0);
    for (uint64_t i = 0; i < 1000; i++)
        assert_false(race_world_write(2, X + 8 * i, 8)); /* has seen all */
    world_expect_nothing();
    assert_int_equal(race_world_counts().renumberings, 8); /* 127 at first, then 127 - 11 at a time */
    assert_true(race_world_read(3, X + 8 * 999, 8));
    assert_true(race_world_read(3, X, 8));
}

static void a_thread_that_is_alone_keeps_its_generation(void **state)
{
    (void)state;
    struct race_plane *plane = race_world_plane(1);
    race_world.threads = 1;
    uint8_t tag = plane->write_tag;
    for (uint64_t i = 0; i < 1000; i++) {
        race_world_lock(1, 0);
        assert_false(race_world_write(1, X + 8 * i, 8));
        race_world_unlock(1, 0);
        race_world_exchange(1, X - 8);
    }
    assert_int_equal(plane->write_tag, tag);
    /* Another one is being made: what is released from now on is told apart again. */
    race_world.threads = 2;
    race_world_section(1, 0);
    assert_int_not_equal(plane->write_tag, tag);
    assert_false(race_world_write(1, X, 8));
    race_world_plane(2);
    race_world_lock(2, 0);
    assert_false(race_world_write(2, X + 8, 8));
    world_expect_nothing();
    assert_true(race_world_write(2, X, 8));
}

/* The store to the atomic uses a generation up; what comes behind it in the same access is of the next. */
static void generations_used_up_amid_an_access_leave_none_behind(void **state)
{
    enum { ACCESSES = 300, SPACING = 256 };
    const uint64_t base = 0x7f1200000000;
    (void)state;
    for (int i = 0; i < ACCESSES; i++)
        race_world_exchange(1, base + (uint64_t)i * SPACING);
    for (int i = 0; i < ACCESSES; i++)
        race_world_write(1, base + (uint64_t)i * SPACING, 16);
    race_world_section(1, 7);
    race_world_lock(2, 7); /* has seen it all */
    for (int i = 0; i < ACCESSES; i++) {
        race_world_write(1, base - SPACING, 8);
        race_world_section(1, 8);
    }
    for (int i = 0; i < ACCESSES; i++)
        assert_false(race_world_write(2, base + (uint64_t)i * SPACING + 8, 8));
}

static void a_later_thread_may_use_the_plane_and_the_stack(void **state)
{
    (void)state;
    uint64_t stack = X + 0x10000;
    struct race_plane *plane = race_world_plane(1);
    race_world_plane(3);
    assert_false(race_world_write(1, X, 8));
    assert_false(race_world_write(1, stack + 64, 8));
    world_end(1);
    race_plane_end(race_world.engine, plane, stack, stack + 4096);
    assert_false(race_plane_follows(plane, world_thread(2)));
    race_world_join(0, 1);
    assert_true(race_plane_follows(plane, world_thread(4))); /* created after the join */
    race_world_take_over(4, 1);
    assert_false(race_world_write(3, stack + 64, 8));
    world_expect_nothing();
    assert_true(race_world_read(3, X, 8)); /* the history of thread 1 is still there */
}

static void a_forgotten_plane_races_no_more(void **state)
{
    (void)state;
    struct race_plane *plane = race_world_plane(1);
    race_world_plane(2);
    assert_false(race_world_write(1, X, 8));
    race_world_end(1);
    race_plane_forget(race_world.engine, plane);
    assert_false(race_world_write(2, X, 8));
    world_expect_nothing();
}

static void a_forked_child_owes_the_other_threads_nothing(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    assert_false(race_world_write(1, X, 8));
    race_forked(race_world.engine, race_world_plane(2));
    assert_false(race_world_write(2, X, 8));
    world_expect_nothing();
}

static void race_over(uint64_t first, uint64_t count)
{
    for (uint64_t i = first; i < first + count; i++) {
        assert_false(race_world_write(1, X + 8 * i, 8));
        assert_true(race_world_write(2, X + 8 * i, 8));
    }
}

static void a_pair_of_places_is_said_once_of_the_blocks_of_one_kind(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    race_world.same_place = true;
    race_world.block_stack = 5;
    race_over(0, 100);
    (void)world_expect_one(FINDING_DATA_RACE);
    const struct race_counts counts = race_world_counts();
    assert_int_equal(counts.races, 1);
    assert_int_equal(counts.repeats, 99);
}

static void a_pair_of_places_is_said_of_a_few_variables(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    race_world.same_place = true;
    race_over(0, 2);
    assert_int_equal(race_world_counts().races, 2);
    race_over(2, 98);
    assert_in_range(race_world_counts().races, 3, 10);
    const struct race_counts counts = race_world_counts();
    assert_int_equal(counts.races + counts.repeats, 100);
}

static void begin_with_one_pair_of_places(void)
{
    race_world_plane(1), race_world_plane(2);
    race_world.same_place = true;
    race_world.recalled = (struct race_recalled){.found = true, .stack = {77}, .flags = RACE_WRITE};
}

/* Two loops over one array, of which the first thread's goes on by another place in the middle. */
static void a_race_at_each_element_is_not_looked_into_each_time(void **state)
{
    (void)state;
    begin_with_one_pair_of_places();
    race_world.block_stack = 5;
    race_over(0, 10000);
    assert_in_range(race_world.recalls, 64, 1000);
    (void)world_expect_one(FINDING_DATA_RACE);
    race_world.recalled.stack.v = 78;
    race_over(10000, 1000);
    const struct race_counts counts = race_world_counts();
    assert_int_equal(counts.races, 2);
    assert_int_equal(counts.races + counts.repeats, 11000);
}

static void race_at_one_place(int rounds)
{
    for (int i = 0; i < rounds; i++) {
        race_world_section(2, 0); /* an epoch of its own for each */
        (void)race_world_write(2, X, 8);
    }
}

static void a_later_pair_of_places_at_one_address_is_found_too(void **state)
{
    (void)state;
    begin_with_one_pair_of_places();
    assert_false(race_world_write(1, X, 8));
    race_at_one_place(1000);
    assert_in_range(race_world.recalls, 1, 100);
    (void)world_expect_one(FINDING_DATA_RACE);
    race_world.recalled.stack.v = 78;
    race_at_one_place(1000);
    assert_int_equal(race_world_counts().races, 2);
}

static void each_pair_of_places_is_told_however_many_there_are(void **state)
{
    enum { THEIRS = 60, MINE = 60 };
    (void)state;
    race_world_plane(1), race_world_plane(2);
    race_world.recalled = (struct race_recalled){.found = true, .flags = RACE_WRITE};
    for (uint32_t i = 0; i < THEIRS * MINE; i++) {
        race_world.recalled.stack.v = 1 + i % THEIRS;
        race_over(i, 1);
        world.found_count = 0; /* it has room for a few */
    }
    assert_int_equal(race_world_counts().races, THEIRS * MINE);
}

static void the_other_side_is_recalled(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    race_world.recalled =
        (struct race_recalled){.found = true, .stack = {77}, .flags = RACE_WRITE | RACE_FREE, .address = X, .size = 64};
    assert_false(race_world_write(1, X, 8));
    assert_true(race_world_write(2, X, 8));
    const struct world_finding *f = world_expect_one(FINDING_DATA_RACE);
    assert_int_equal(f->party[1].stack, 77);
    assert_int_equal(f->party[1].role, PARTY_FREES);
    assert_true(race_world.asked_low <= race_world.asked_high);
}

/* As one load of a vector does. */
static void each_word_of_an_access_may_race_with_another_place(void **state)
{
    (void)state;
    begin_with_one_pair_of_places();
    race_world.then = (struct race_recalled){.found = true, .stack = {78}, .flags = RACE_WRITE};
    assert_false(race_world_write(1, X, 4));
    assert_false(race_world_write(1, X + 60, 4));
    assert_true(race_world_read(2, X, 64));
    assert_int_equal(race_world.recalls, 2);
    assert_int_equal(race_world_counts().races, 2);
}

static void what_stood_there_is_told_of_the_present_side(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    assert_false(race_world_write(1, X, 32));
    assert_true(race_world_write(2, X, 4));
    assert_true(race_world_access(3, X + 8, 8, RACE_LIBRARY));
    assert_true(race_world_access(4, X + 16, 8, RACE_WRITE | RACE_LIBRARY)); /* it has been written already */
    assert_true(race_world_write(5, X, 32));
    assert_int_equal(world.found_count, 10); /* the last with each of them, and with each word of the first */
    assert_true(world.found[0].party[0].has_value && !world.found[0].party[1].has_value);
    assert_int_equal(world.found[0].party[0].value, X + 4);
    assert_true(world.found[1].party[0].has_value);
    for (size_t i = 2; i < world.found_count; i++)
        assert_false(world.found[i].party[0].has_value);
}

static void who_never_met_never_heard(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    race_world_section(1, 0);
    assert_false(race_world_write(1, X, 8));
    assert_true(race_world_write(2, X, 8));
    assert_int_equal(world_expect_one(FINDING_DATA_RACE)->heard.how, HEARD_NEVER);
    assert_int_equal(race_world.sent_epoch, 0);
}

static void a_child_heard_last_of_its_creation(void **state)
{
    (void)state;
    race_world_plane(0);
    race_world_plane(1);
    race_world_section(0, 0);
    assert_false(race_world_write(0, X, 8));
    assert_true(race_world_write(1, X, 8));
    const struct world_finding *f = world_expect_one(FINDING_DATA_RACE);
    assert_int_equal(f->heard.how, HEARD_BY_CREATION);
    assert_int_equal(f->heard.created.v, f->party[0].thread);
}

/* Thread 1 leaves lock 0, thread 3 carries the news to lock 1, where thread 2 hears of it: the epoch asked for is the one
 * that thread 1 released before its write. */
static void the_last_release_that_was_heard_of_is_asked_for(void **state)
{
    (void)state;
    for (int i = 1; i <= 3; i++)
        race_world_plane(i);
    race_world_lock(1, 0);
    uint64_t released = race_world_plane(1)->thread->hb.epoch;
    race_world_unlock(1, 0);
    race_world_section(3, 0);
    race_world_section(3, 1);
    race_world_section(2, 1);
    assert_false(race_world_write(1, X, 8));
    race_world_lock(1, 2); /* a release that nobody takes up */
    race_world_unlock(1, 2);
    assert_true(race_world_write(2, X, 8));
    const struct world_finding *f = world_expect_one(FINDING_DATA_RACE);
    assert_int_equal(f->heard.how, HEARD_BY_ATOMIC);
    assert_int_equal(race_world.sent_epoch, released);
    assert_int_equal(race_world.sent_thread, f->party[1].thread);
}

/* Of an access that two others race with, each is told. */
static void each_thread_that_an_access_races_with_is_told(void **state)
{
    (void)state;
    race_world_plane(3);
    race_world_write(1, X, 8);
    race_world_write(2, X + 8, 8);
    assert_true(race_world_read(3, X, 16));
    assert_int_equal(world.found_count, 2);
    assert_int_not_equal(world.found[0].party[1].thread, world.found[1].party[1].thread);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, race_world_setup, race_world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(two_writes_race),
        CASE(each_thread_that_an_access_races_with_is_told),
        CASE(read_then_write_races),
        CASE(write_then_read_races),
        CASE(reads_do_not_race),
        CASE(neighbouring_bytes_do_not_race),
        CASE(a_lock_orders),
        CASE(unlocked_read_after_locked_writes_of_neighbours_races),
        CASE(two_locks_do_not_order),
        CASE(creation_and_join_order),
        CASE(an_access_beside_the_join_races),
        CASE(fresh_memory_has_no_history),
        CASE(free_races_with_a_use),
        CASE(addresses_with_equal_low_halves_do_not_meet),
        CASE(generations_are_renumbered),
        CASE(a_thread_that_is_alone_keeps_its_generation),
        CASE(generations_used_up_amid_an_access_leave_none_behind),
        CASE(a_later_thread_may_use_the_plane_and_the_stack),
        CASE(a_forgotten_plane_races_no_more),
        CASE(a_forked_child_owes_the_other_threads_nothing),
        CASE(a_pair_of_places_is_said_once_of_the_blocks_of_one_kind),
        CASE(a_pair_of_places_is_said_of_a_few_variables),
        CASE(a_race_at_each_element_is_not_looked_into_each_time),
        CASE(a_later_pair_of_places_at_one_address_is_found_too),
        CASE(each_pair_of_places_is_told_however_many_there_are),
        CASE(the_other_side_is_recalled),
        CASE(each_word_of_an_access_may_race_with_another_place),
        CASE(what_stood_there_is_told_of_the_present_side),
        CASE(who_never_met_never_heard),
        CASE(a_child_heard_last_of_its_creation),
        CASE(the_last_release_that_was_heard_of_is_asked_for),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
