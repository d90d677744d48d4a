/* Counters: what a thread adds to alone, and what several count and nobody looks at. */
#include "detector/thread.h"
#include "race_world.h"

#define X    UINT64_C(0x7f1234567810)
#define FLAG (X + 64)

static void load(int thread, uint64_t address, uint32_t size)
{
    race_atomic_after(race_world.engine, race_world_plane(thread), address, size, ORDER_ACQUIRE);
}

static void add_relaxed(int thread, uint64_t address)
{
    race_atomic_add(race_world.engine, race_world_plane(thread), address, 4, ORDER_RELAXED);
    race_atomic_after(race_world.engine, race_world_plane(thread), address, 4, ORDER_RELAXED);
}

/* As woven code tells of them. */
static void exchange(int thread, uint64_t address)
{
    race_atomic_before(race_world.engine, race_world_plane(thread), address, 4, ORDER_ACQ_REL);
    race_atomic_after(race_world.engine, race_world_plane(thread), address, 4, ORDER_ACQ_REL);
}

static void add(int thread, uint64_t address)
{
    race_atomic_add(race_world.engine, race_world_plane(thread), address, 4, ORDER_ACQ_REL);
    race_atomic_after(race_world.engine, race_world_plane(thread), address, 4, ORDER_ACQ_REL);
}

static void add_alone(int thread, uint64_t address)
{
    for (int i = 0; i < 100; i++)
        add(thread, address);
}

/* Thread 3 writes to X, and thread 1 hears of it. */
static void hear_of_thread_3(void)
{
    assert_false(race_world_write(3, X, 8));
    race_world_section(3, 1);
    race_world_lock(1, 1);
}

static void what_a_thread_adds_to_alone_ends_no_epoch(void **state)
{
    (void)state;
    const struct thread_clock *clock = &race_world_plane(1)->thread->hb;
    race_world_plane(2);
    add_alone(1, FLAG);
    uint64_t epoch = clock->epoch;
    assert_false(race_world_write(1, X, 8));
    add_alone(1, FLAG);
    assert_int_equal(clock->epoch, epoch);
    add(2, FLAG);
    assert_false(race_world_write(2, X, 8)); /* what was done before is handed over all the same */
    add(1, FLAG);
    assert_true(clock->epoch > epoch);
    world_expect_nothing();
}

static void what_a_thread_exchanges_alone_ends_epochs(void **state)
{
    (void)state;
    const struct thread_clock *clock = &race_world_plane(1)->thread->hb;
    race_world_plane(2);
    add_alone(1, FLAG);
    uint64_t epoch = clock->epoch;
    exchange(1, FLAG);
    exchange(1, FLAG);
    assert_true(clock->epoch > epoch);
}

static void count(int thread)
{
    race_atomic_unobserved(race_world.engine, race_world_plane(thread), FLAG, 4, ORDER_RELEASE, true);
}

static void who_does_not_look_is_behind_nobody(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2), race_world_plane(3);
    assert_false(race_world_write(1, X, 16));
    count(1);
    count(2);
    exchange(3, FLAG); /* who looks is behind both */
    assert_false(race_world_write(3, X, 8));
    assert_true(race_world_write(2, X + 8, 8));
    (void)world_expect_one(FINDING_DATA_RACE);
}

static void what_several_count_and_nobody_looks_at_ends_no_epoch(void **state)
{
    (void)state;
    const struct thread_clock *one = &race_world_plane(1)->thread->hb, *two = &race_world_plane(2)->thread->hb;
    race_world_plane(3);
    for (int i = 0; i < 100; i++)
        count(1), count(2);
    uint64_t first = one->epoch, second = two->epoch;
    assert_false(race_world_write(1, X, 8));
    assert_false(race_world_write(2, X + 8, 8));
    count(1), count(2);
    assert_int_equal(one->epoch, first);
    assert_int_equal(two->epoch, second);
    exchange(3, FLAG);
    assert_false(race_world_write(3, X, 16));
    count(1), count(2); /* one look among so many changes nothing */
    assert_int_equal(one->epoch, first);
    race_world_section(1, 1);
    count(1);
    assert_true(one->epoch > first);
    assert_false(race_world_write(1, X + 16, 8));
    assert_true(race_world_write(3, X + 16, 8));
    (void)world_expect_one(FINDING_DATA_RACE);
}

static void what_is_looked_at_as_often_ends_epochs(void **state)
{
    (void)state;
    const struct thread_clock *clock = &race_world_plane(1)->thread->hb;
    race_world_plane(2);
    for (int i = 0; i < 200; i++) {
        uint64_t epoch = clock->epoch;
        count(1);
        assert_true(clock->epoch > epoch);
        exchange(2, FLAG);
    }
}

static void when_another_comes_releases_end_epochs_again(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    add_alone(1, FLAG);
    add(2, FLAG);
    add(1, FLAG);
    add(2, FLAG);
    assert_false(race_world_write(1, X, 8)); /* behind what it released last */
    assert_true(race_world_write(2, X, 8));
}

static void what_is_heard_of_meanwhile_is_handed_on(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2), race_world_plane(3);
    add_alone(1, FLAG);
    add(2, FLAG); /* has heard of the present epoch of thread 1 */
    hear_of_thread_3();
    add(1, FLAG);
    add(2, FLAG);
    assert_false(race_world_write(2, X, 8));
    world_expect_nothing();
}

static void what_is_heard_of_while_alone_is_handed_on(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2), race_world_plane(3);
    add_alone(1, FLAG);
    hear_of_thread_3();
    add(1, FLAG);
    add(2, FLAG);
    assert_false(race_world_write(2, X, 8));
    world_expect_nothing();
}

static void relaxed_additions_of_one_alone_pass_on_what_a_fence_released(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    add_alone(1, FLAG);
    race_world_section(1, 1); /* another epoch */
    assert_false(race_world_write(1, X, 8));
    race_fence(race_world.engine, race_world_plane(1), ORDER_RELEASE);
    add_relaxed(1, FLAG);
    race_atomic_after(race_world.engine, race_world_plane(2), FLAG, 4, ORDER_RELAXED);
    race_fence(race_world.engine, race_world_plane(2), ORDER_ACQUIRE);
    assert_false(race_world_write(2, X, 8));
    world_expect_nothing();
}

static void what_was_loaded_before_hides_no_release_of_one_alone(void **state)
{
    (void)state;
    race_world_plane(1), race_world_plane(2);
    add_alone(1, FLAG);
    for (int i = 0; i < 3; i++) {
        load(2, FLAG, 4);
        assert_false(race_world_write(1, X + 8 * (uint64_t)i, 8));
        add_alone(1, FLAG);
        load(2, FLAG, 4);
        assert_false(race_world_write(2, X + 8 * (uint64_t)i, 8));
    }
    world_expect_nothing();
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, race_world_setup, race_world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(what_a_thread_adds_to_alone_ends_no_epoch),
        CASE(what_a_thread_exchanges_alone_ends_epochs),
        CASE(who_does_not_look_is_behind_nobody),
        CASE(what_several_count_and_nobody_looks_at_ends_no_epoch),
        CASE(what_is_looked_at_as_often_ends_epochs),
        CASE(when_another_comes_releases_end_epochs_again),
        CASE(what_is_heard_of_meanwhile_is_handed_on),
        CASE(what_is_heard_of_while_alone_is_handed_on),
        CASE(relaxed_additions_of_one_alone_pass_on_what_a_fence_released),
        CASE(what_was_loaded_before_hides_no_release_of_one_alone),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
