/* What all accesses came before is kept where a lock orders them, and is not where they are not ordered; who owns a chunk. */
#include "race_world.h"

#include "detector/race_chunk.h"
#include "detector/race_engine.h"
#include "detector/race_frontier.h"
#include "detector/race_shared.h"

#define X UINT64_C(0x7f1234500000)

#define NONE (UINT64_MAX - 1)

static const struct race_frontier *frontier(uint64_t address)
{
    return &race_world.engine->frontiers[(uint32_t)address >> 4];
}

static uint64_t present(int thread)
{
    const struct thread_clock *clock = &race_world_plane(thread)->thread->hb;
    return (uint64_t)clock->slot << 48 | clock->epoch;
}

static bool is_of(int thread, uint64_t address)
{
    return frontier(address)->latest == present(thread);
}

static bool is_none(uint64_t address)
{
    return frontier(address)->latest == NONE;
}

static struct race_chunk *chunk_of(uint64_t address)
{
    return race_chunk_at(race_world.engine, address);
}

static bool owns(int thread, uint64_t address)
{
    return race_chunk_is_owned(race_world.engine, race_part(race_world_plane(thread)), chunk_of(address));
}

static void locked(int thread, int mutex, uint64_t address, bool writes)
{
    race_world_lock(thread, mutex);
    assert_false(writes ? race_world_write(thread, address, 8) : race_world_read(thread, address, 8));
}

/* Threads 1 and 2 write to different parts of the chunk, which neither has seen of the other. */
static void share_chunk(void)
{
    race_world_plane(1), race_world_plane(2), race_world_plane(3);
    assert_false(race_world_write(1, X, 8));
    assert_false(race_world_write(2, X + 128, 8));
    assert_false(owns(1, X) || owns(2, X));
}

static void under_a_lock_each_access_is_the_latest(void **state)
{
    (void)state;
    share_chunk();
    uint32_t owned = 0;
    for (int round = 0; round < 20; round++) {
        for (int thread = 1; thread <= 3; thread++) {
            locked(thread, 1, X + 64, round % 2 == 0);
            assert_true(is_of(thread, X + 64) || owns(thread, X));
            owned += owns(thread, X);
            race_world_unlock(thread, 1);
        }
    }
    assert_true(owned < 6);
    world_expect_nothing();
}

static void readers_that_are_not_ordered_leave_none(void **state)
{
    (void)state;
    share_chunk();
    locked(1, 1, X + 64, true);
    race_world_unlock(1, 1);
    for (int thread = 2; thread <= 3; thread++) {
        locked(thread, 1, X + 64, false); /* the second has not seen the first's */
        if (thread == 2)
            assert_true(is_of(2, X + 64) || owns(2, X));
        race_world_unlock(thread, 1);
        race_world_lock(thread, thread);
        assert_false(race_world_read(thread, X + 64, 8));
        race_world_unlock(thread, thread);
    }
    assert_false(race_world_read(2, X + 64, 8));
    assert_true(is_none(X + 64));
    assert_true(race_world_write(3, X + 64, 8)); /* nothing orders that behind the last */
}

/* A table that 1 has written, and 2 and 3 have heard of. */
static uint64_t share_table(void)
{
    share_chunk();
    locked(1, 1, X + 64, true);
    uint64_t write = present(1);
    race_world_unlock(1, 1);
    for (int thread = 2; thread <= 3; thread++) {
        race_world_section(thread, 1);
        for (int i = 0; i < 2; i++) {
            race_world_section(thread, thread + 10);
            assert_false(race_world_read(thread, X + 64, 8));
        }
    }
    return write;
}

static void readers_behind_the_write_need_not_be_ordered(void **state)
{
    (void)state;
    uint64_t write = share_table();
    for (int round = 0; round < 200; round++) {
        int thread = 2 + round % 2;
        assert_true(is_none(X + 64));
        assert_true(frontier(X + 64)->written == write);
        race_world_section(thread, thread);
        assert_false(race_world_read(thread, X + 64 + (uint64_t)(round / 2 % 2) * 4, 4));
    }
    world_expect_nothing();
}

static void a_write_behind_readers_is_held_against_each(void **state)
{
    (void)state;
    share_table();
    race_world_section(2, 1);
    locked(1, 1, X + 72, true); /* beside what they have read */
    assert_true(is_none(X + 64));
    assert_true(frontier(X + 64)->written == NONE);
    assert_true(race_world_write(1, X + 64, 8)); /* 1 has not heard of 3 */
}

static void a_read_that_is_not_behind_the_write_is_told(void **state)
{
    (void)state;
    share_table();
    race_world_plane(4);
    assert_true(race_world_read(4, X + 64, 8));
    assert_false(race_world_read(2, X + 64, 8));
}

/* What was not known to be ordered is looked at again now and then, for all who read it. */
static void writes_of_one_thread_are_known_again(void **state)
{
    (void)state;
    uint64_t write = share_table();
    race_world.engine->frontiers[(uint32_t)(X + 64) >> 4].written = NONE;
    for (int round = 0; round < 400 && frontier(X + 64)->written == NONE; round++) {
        race_world_section(2, 2);
        assert_false(race_world_read(2, X + 64, 8));
    }
    assert_true(frontier(X + 64)->written == write);
    assert_true(is_none(X + 64));
    world_expect_nothing();
}

static void whoever_writes_when_all_is_seen_is_the_latest_again(void **state)
{
    (void)state;
    share_chunk();
    assert_false(race_world_read(2, X + 64, 8));
    assert_false(race_world_read(3, X + 64, 8));
    assert_true(is_none(X + 64));
    race_world_section(2, 1);
    race_world_section(3, 1);
    locked(1, 1, X + 64, true);
    assert_true(is_of(1, X + 64));
    world_expect_nothing();
}

static void a_race_with_the_latest_is_told(void **state)
{
    (void)state;
    share_chunk();
    locked(1, 1, X + 64, true);
    race_world_unlock(1, 1);
    assert_true(race_world_read(2, X + 64, 8));
    assert_true(is_none(X + 64));
}

static void a_race_with_one_before_the_latest_is_told(void **state)
{
    (void)state;
    share_chunk();
    assert_false(race_world_read(1, X + 64, 4));
    locked(2, 1, X + 68, true); /* of the same 16 bytes, and not ordered behind that */
    race_world_unlock(2, 1);
    locked(3, 1, X + 72, true);
    race_world_unlock(3, 1);
    assert_true(race_world_write(3, X + 64, 4));
}

static void a_chunk_whose_owner_is_seen_changes_hands(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    locked(1, 1, X, true);
    assert_true(owns(1, X));
    race_world_unlock(1, 1);
    locked(2, 1, X + 128, true);
    assert_true(owns(2, X));
    race_world_unlock(2, 1);
    assert_true(race_world_write(1, X + 128, 8));
    assert_false(owns(1, X) || owns(2, X));
}

/* What others did there before it was owned lies behind the owner's latest access, not behind an older one of its own. */
static void what_was_done_before_a_chunk_was_owned_is_not_forgotten(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2), race_world_plane(3);
    locked(1, 1, X, true);
    race_world_unlock(1, 1);
    race_world_section(3, 1); /* has seen that */
    locked(2, 1, X, true);
    assert_true(owns(2, X));
    race_world_unlock(2, 1);
    locked(1, 1, X + 128, true); /* behind what 2 did */
    assert_true(owns(1, X));
    race_world_unlock(1, 1);
    assert_true(race_world_read(3, X, 8)); /* which 3 has not seen */
}

/* ... and not behind one that is gone with a block that was freed. */
static void what_was_done_before_is_not_forgotten_with_a_block(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2), race_world_plane(3);
    locked(1, 1, X, true);
    race_world_unlock(1, 1);
    race_world_section(3, 1);
    locked(2, 1, X + 64, true);
    race_world_unlock(2, 1);
    locked(1, 1, X + 128, true);
    assert_true(owns(1, X));
    race_world_unlock(1, 1);
    race_range_fresh(race_world.engine, race_world_plane(1), X + 128, X + 192);
    assert_true(race_world_read(3, X + 64, 8));
}

static void a_chunk_taken_away_again_and_again_is_owned_less_soon(void **state)
{
    (void)state;
    share_chunk();
    uint32_t times = 0;
    for (int round = 0; round < 200; round++) {
        int thread = 1 + round % 2;
        race_world_lock(thread, 1);
        for (int i = 0; i < 8; i++)
            assert_false(race_world_write(thread, X + 64 + (uint64_t)i * 8, 8));
        times += owns(thread, X);
        race_world_unlock(thread, 1);
    }
    assert_true(times < 20);
    for (int round = 0; round < 40; round++) {
        locked(1, 1, X + 64, true);
        race_world_unlock(1, 1);
    }
    assert_true(owns(1, X)); /* nobody else comes any more */
}

static bool is_short(int thread, uint64_t address, uint64_t size, uint32_t flags)
{
    return race_shared_find(race_world.engine, race_world_plane(thread), address, size, flags).chunk != NULL;
}

static void the_short_way_is_for_who_takes_part_already(void **state)
{
    (void)state;
    share_chunk();
    assert_false(is_short(3, X + 64, 8, 0)); /* its first access */
    assert_false(race_world_read(3, X + 64, 8) || race_world_read(3, X + 64, 8));
    assert_true(is_short(3, X + 64, 8, 0));
    assert_false(is_short(3, X + 64, 8, RACE_WRITE)); /* it has not written yet */
    assert_false(race_world_write(1, X, 8));
    assert_true(is_short(1, X + 64, 16, RACE_WRITE));
    assert_false(is_short(1, X + 60, 8, RACE_WRITE)); /* two lines */
    assert_false(is_short(1, X + 64, 8, RACE_WRITE | RACE_FREE));
    assert_false(is_short(1, X + 64, 8, RACE_ATOMIC));
    assert_false(is_short(1, X + 0x10000, 8, RACE_WRITE)); /* nobody's */
    world_expect_nothing();
}

static void beside_synchronising_addresses_the_short_way_is_left_for_them(void **state)
{
    (void)state;
    share_chunk();
    race_world_exchange(1, X + 192);
    assert_false(race_world_write(1, X, 8));
    assert_true(is_short(1, X + 64, 8, RACE_WRITE));
    assert_true(is_short(1, X + 196, 4, 0)); /* in the same granule */
    assert_false(is_short(1, X + 192, 4, 0));
    assert_false(is_short(1, X + 192, 8, 0));
    assert_false(is_short(1, X + 184, 16, 0));
    assert_true(race_world_write(2, X, 8)); /* against that of thread 1 */
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, race_world_setup, race_world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(under_a_lock_each_access_is_the_latest),
        CASE(readers_that_are_not_ordered_leave_none),
        CASE(readers_behind_the_write_need_not_be_ordered),
        CASE(a_write_behind_readers_is_held_against_each),
        CASE(a_read_that_is_not_behind_the_write_is_told),
        CASE(writes_of_one_thread_are_known_again),
        CASE(whoever_writes_when_all_is_seen_is_the_latest_again),
        CASE(a_race_with_the_latest_is_told),
        CASE(a_race_with_one_before_the_latest_is_told),
        CASE(a_chunk_whose_owner_is_seen_changes_hands),
        CASE(what_was_done_before_a_chunk_was_owned_is_not_forgotten),
        CASE(what_was_done_before_is_not_forgotten_with_a_block),
        CASE(a_chunk_taken_away_again_and_again_is_owned_less_soon),
        CASE(the_short_way_is_for_who_takes_part_already),
        CASE(beside_synchronising_addresses_the_short_way_is_left_for_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
