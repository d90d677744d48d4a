/* Pages of the windows are asked for where more of them will be touched, and no others. */
#include "race_world.h"

#include "detector/race_engine.h"
#include "weaver/plane.h"

#define X UINT64_C(0x7f1234500000)

enum { PAGE = 4096, ENOUGH = 1000 };

static void read_page(uint32_t page)
{
    assert_false(race_world_read(1, X + (uint64_t)page * PAGE, 8));
}

static void write_page(uint32_t page)
{
    assert_false(race_world_write(1, X + (uint64_t)page * PAGE, 8));
}

/* Returns: pages of the windows in the last call, whose memory covers the tags of that page of X. */
static uint32_t asked(const uint8_t *window, uint32_t page)
{
    uintptr_t tags = (uintptr_t)window + (uint32_t)X + (uintptr_t)page * PAGE;
    assert_int_equal(race_world.asked_for % PAGE, 0);
    assert_true(race_world.asked_for <= tags && tags + PAGE <= race_world.asked_for + race_world.asked_size);
    return (uint32_t)(race_world.asked_size / PAGE);
}

static void a_page_far_from_others_is_none_to_begin_with(void **state)
{
    (void)state;
    for (uint32_t page = 0; page < ENOUGH; page += 2)
        read_page(page);
    assert_int_equal(race_world.asked_times, 0);
}

static void ever_more_are_asked_for_where_one_comes_after_the_other(void **state)
{
    (void)state;
    uint32_t times = 0, most = 0;
    for (uint32_t page = 0; page < ENOUGH; page++) {
        read_page(page);
        if (race_world.asked_times != times) {
            times = race_world.asked_times;
            uint32_t pages = asked(race_world_plane(1)->tags, page);
            assert_true(pages >= most && pages <= 2 * most + 10);
            most = pages;
        }
    }
    assert_true(times > 10 && times < ENOUGH / 20);
}

static void of_what_is_read_one_window_is_asked_for(void **state)
{
    (void)state;
    read_page(0);
    read_page(1);
    assert_int_equal(race_world.asked_times, 1);
    asked(race_world_plane(1)->tags, 1);
    write_page(100);
    write_page(99);
    assert_int_equal(race_world.asked_times, 3);
    asked(race_world_plane(1)->writes, 99);
}

static void what_was_asked_for_is_not_asked_for_again(void **state)
{
    (void)state;
    write_page(1);
    write_page(0);
    uint32_t times = race_world.asked_times;
    for (uint32_t page = 7; page > 1; page--)
        write_page(page);
    assert_int_equal(race_world.asked_times, times);
}

static void several_places_at_once_are_followed(void **state)
{
    (void)state;
    for (uint32_t page = 0; page < 64; page++)
        for (uint32_t place = 0; place < RACE_ASKED; place++)
            read_page(place * ENOUGH + page);
    assert_true(race_world.asked_times <= RACE_ASKED * 4);
}

static void nothing_is_asked_for_past_the_window(void **state)
{
    (void)state;
    const uint64_t end = (X | UINT32_MAX) + 1;
    for (uint32_t page = ENOUGH; page > 0; page--) {
        assert_false(race_world_read(1, end - (uint64_t)page * PAGE, 8));
        uintptr_t behind = (uintptr_t)race_world_plane(1)->tags + PLANE_WINDOW(race_world_bits) + PLANE_GUARD;
        assert_true(race_world.asked_for + race_world.asked_size <= behind);
    }
    assert_true(race_world.asked_times > 0);
}

static void where_memory_is_limited_nothing_is_asked_for(void **state)
{
    (void)state;
    race_world_plane(1);
    race_world.engine->host.budget = (size_t)1 << 30;
    read_page(0);
    read_page(1);
    assert_int_equal(race_world.asked_times, 0);
}

static void what_the_plane_has_dropped_is_asked_for_again(void **state)
{
    (void)state;
    write_page(0);
    write_page(1);
    uint32_t times = race_world.asked_times;
    race_world_end(1);
    race_plane_forget(race_world.engine, &race_world.plane[1]);
    race_world_take_over(2, 1);
    assert_false(race_world_write(2, X, 8));
    assert_false(race_world_write(2, X + PAGE, 8));
    assert_int_equal(race_world.asked_times, 2 * times);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, race_world_setup, race_world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_page_far_from_others_is_none_to_begin_with),
        CASE(ever_more_are_asked_for_where_one_comes_after_the_other),
        CASE(of_what_is_read_one_window_is_asked_for),
        CASE(what_was_asked_for_is_not_asked_for_again),
        CASE(several_places_at_once_are_followed),
        CASE(nothing_is_asked_for_past_the_window),
        CASE(where_memory_is_limited_nothing_is_asked_for),
        CASE(what_the_plane_has_dropped_is_asked_for_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
