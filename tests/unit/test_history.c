/* test_history.c: what is recalled is the last access that fits, with the callers and locks of that moment, or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "detector/history.h"
#include "detector/race.h"

enum { CAPACITY = 1024 };

static struct history_entry memory[CAPACITY];
static struct history history;

static int begin(void **state)
{
    (void)state;
    memset(memory, 0, sizeof memory);
    history_init(&history, memory, CAPACITY);
    return 0;
}

static void access_at(uint64_t site, uint32_t low, uint32_t flags, uint32_t size)
{
    history_append(&history, site, low, HISTORY_WHAT(HISTORY_ACCESS, flags, size));
}

static struct history_found recall(uint64_t epoch_low, uint64_t epoch_high, uint32_t low, uint64_t size, bool write)
{
    struct history_found found;
    history_recall(&history, epoch_low, epoch_high, low, size, write, &found);
    return found;
}

static void nothing_is_recalled_of_nothing(void **state)
{
    (void)state;
    assert_false(recall(0, UINT64_MAX, 0, 1, false).found);
}

static void the_last_fitting_access_is_recalled_with_its_callers(void **state)
{
    (void)state;
    history_epoch(&history, 7, 0);
    history_context(&history, (struct callers_id){11});
    access_at(0x1000, 100, RACE_WRITE, 8);
    history_context(&history, (struct callers_id){12});
    access_at(0x2000, 104, 0, 4);
    history_epoch(&history, 8, 0);
    access_at(0x3000, 100, RACE_WRITE, 8);

    struct history_found found = recall(7, 7, 107, 1, false);
    assert_true(found.found && found.is_site);
    assert_int_equal(found.place, 0x2000);
    assert_int_equal(found.callers.v, 12);
    found = recall(7, 7, 96, 5, true);
    assert_true(found.found);
    assert_int_equal(found.place, 0x1000);
    assert_int_equal(found.callers.v, 11);
    assert_int_equal(recall(7, 8, 100, 1, false).place, 0x3000);
    assert_false(recall(9, 9, 100, 1, false).found);
    assert_false(recall(7, 8, 108, 4, false).found);
    assert_false(recall(7, 8, 96, 4, false).found);
}

static void an_access_across_the_end_of_the_window_is_recalled(void **state)
{
    (void)state;
    access_at(0x1000, UINT32_MAX - 3, RACE_WRITE, 8);
    assert_true(recall(0, 0, 2, 1, true).found);
    assert_false(recall(0, 0, 4, 1, true).found);
}

static void locks_of_the_moment_are_recalled(void **state)
{
    (void)state;
    const struct history_hold first = {0x7f0012345678, 0x12345678, {21}, false};
    const struct history_hold second = {0x7f00aaaaaaa8, 2, {22}, true};
    history_lock(&history, &first);
    history_lock(&history, &second);
    access_at(0x1000, 50, RACE_WRITE, 1);
    history_unlock(&history, &first);
    access_at(0x2000, 60, RACE_WRITE, 1);

    struct history_found found = recall(0, 0, 50, 1, true);
    assert_int_equal(found.held_count, 2);
    assert_int_equal(found.held[0].object, first.object);
    assert_int_equal(found.held[0].id, first.id);
    assert_int_equal(found.held[0].stack.v, 21);
    assert_false(found.held[0].shared);
    assert_true(found.held[1].shared);
    found = recall(0, 0, 60, 1, true);
    assert_int_equal(found.held_count, 1);
    assert_int_equal(found.held[0].object, second.object);
}

static void a_part_knows_what_came_before_it(void **state)
{
    (void)state;
    const struct history_hold hold = {0x5555, 3, {31}, false};
    history_epoch(&history, 5, 0);
    history_context(&history, (struct callers_id){44});
    history_lock(&history, &hold);
    for (unsigned i = 0; i < 5 * CAPACITY; i++)
        access_at(i, 1000 + i, RACE_WRITE, 1);
    struct history_found found = recall(5, 5, 1000 + 5 * CAPACITY - 10, 1, true);
    assert_true(found.found);
    assert_int_equal(found.place, 5 * CAPACITY - 10);
    assert_int_equal(found.callers.v, 44);
    assert_int_equal(found.held_count, 1);
    assert_int_equal(found.held[0].id, 3);
    assert_false(recall(5, 5, 1000, 1, true).found);
}

static void more_locks_than_are_kept_do_no_harm(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= HISTORY_HELD_MAX + 4; i++)
        history_lock(&history, &(struct history_hold){i * 64, i, {i}, false});
    access_at(1, 1, 0, 1);
    for (uint32_t i = HISTORY_HELD_MAX + 4; i > 1; i--)
        history_unlock(&history, &(struct history_hold){i * 64, i, {0}, false});
    access_at(2, 2, 0, 1);
    assert_int_equal(recall(0, 0, 1, 1, false).held_count, HISTORY_HELD_MAX);
    struct history_found found = recall(0, 0, 2, 1, false);
    assert_int_equal(found.held_count, 1);
    assert_int_equal(found.held[0].id, 1);
}

/* ---- what released an epoch --------------------------------------------------------------------------------------- */

static const struct history_hold one = {0x7f0012345678, 0x12345678, {21}, false};

static struct history_sent sent(uint32_t thread, uint64_t epoch)
{
    struct history_sent sent;
    history_sent(&history, thread, epoch, &sent);
    return sent;
}

static void what_released_an_epoch_is_told(void **state)
{
    (void)state;
    history_restart(&history, 3);
    history_epoch(&history, 5, 0);
    history_lock(&history, &one);
    history_unlock(&history, &one);
    history_epoch(&history, 6, 0);
    access_at(0x1000, 100, RACE_WRITE, 8);
    history_send(&history, &(struct history_hold){0x4000, 9, {33}, false});
    history_epoch(&history, 8, 0); /* two releases in one */
    history_create(&history, 17, (struct stack_id){34});
    history_epoch(&history, 9, 0);
    history_unlock(&history, &(struct history_hold){0x8000, 1, {0}, false}); /* of a recursion: nothing is released */
    history_context(&history, (struct callers_id){44});
    history_epoch(&history, 10, 0x7fffffffabcd);

    assert_int_equal(sent(3, 5).kind, HISTORY_UNLOCK);
    assert_int_equal(sent(3, 5).what.object, one.object);
    assert_int_equal(sent(3, 5).what.id, one.id);
    assert_int_equal(sent(3, 6).kind, HISTORY_SENT);
    assert_int_equal(sent(3, 7).what.object, 0x4000);
    assert_int_equal(sent(3, 7).what.stack.v, 33);
    assert_int_equal(sent(3, 8).kind, HISTORY_CREATED);
    assert_int_equal(sent(3, 8).created, 17);
    assert_int_equal(sent(3, 9).kind, HISTORY_EPOCH);
    assert_int_equal(sent(3, 9).site, 0x7fffffffabcd);
    assert_int_equal(sent(3, 9).callers.v, 44);
    assert_int_equal(sent(3, 10).kind, HISTORY_NONE);
    assert_int_equal(sent(3, 4).kind, HISTORY_NONE);
    assert_int_equal(sent(4, 5).kind, HISTORY_NONE);
}

static void the_place_of_an_unlock_may_follow(void **state)
{
    (void)state;
    history_restart(&history, 3);
    history_epoch(&history, 5, 0);
    history_lock(&history, &one);
    history_unlock(&history, &(struct history_hold){one.object, one.id, {0}, false});
    access_at(0x1000, 100, RACE_WRITE, 8);
    history_unlocked_at(&history, (struct stack_id){77});
    history_epoch(&history, 6, 0);
    assert_int_equal(sent(3, 5).what.stack.v, 77);
    assert_int_equal(recall(5, 5, 100, 1, true).held_count, 0);
    for (unsigned i = 0; i < CAPACITY; i++)
        access_at(1, 1, 0, 1);
    history_unlocked_at(&history, (struct stack_id){78}); /* it is gone */
    assert_int_equal(sent(3, 5).kind, HISTORY_NONE);
    assert_int_equal(recall(6, 6, 1, 1, false).place, 1);
}

static void a_release_is_found_parts_ago_and_told_from_another_threads(void **state)
{
    (void)state;
    history_restart(&history, 3);
    history_epoch(&history, 5, 0);
    history_send(&history, &one);
    history_epoch(&history, 6, 0);
    for (unsigned i = 0; i < CAPACITY / 4; i++)
        access_at(1, 1, 0, 1);
    history_restart(&history, 4);
    history_epoch(&history, 3, 0);
    history_create(&history, 18, (struct stack_id){35});
    history_epoch(&history, 20, 0);
    for (unsigned i = 0; i < CAPACITY / 4; i++)
        access_at(1, 1, 0, 1);
    assert_int_equal(sent(3, 5).kind, HISTORY_SENT);
    assert_int_equal(sent(4, 5).kind, HISTORY_CREATED);
    assert_int_equal(sent(3, 6).kind, HISTORY_NONE);
}

/* ---- a reader beside the writer ------------------------------------------------------------------------------------ */

static _Atomic bool stop;

static void the_same_again_is_known_until_something_else_happens(void **state)
{
    (void)state;
    uint32_t what = HISTORY_WHAT(HISTORY_ACCESS, 0, 4);
    assert_false(history_has_just(&history, 0x1000, 100, what));
    access_at(0x1000, 100, 0, 4);
    access_at(0x2000, 200, 0, 4);
    assert_true(history_has_just(&history, 0x1000, 100, what));
    assert_false(history_has_just(&history, 0x1000, 104, what));
    assert_false(history_has_just(&history, 0x3000, 100, what));
    assert_false(history_has_just(&history, 0x1000, 100, HISTORY_WHAT(HISTORY_ACCESS, RACE_WRITE, 4)));
    history_epoch(&history, 9, 0);
    assert_false(history_has_just(&history, 0x1000, 100, what));
}

static void *write_for_long(void *unused)
{
    (void)unused;
    for (uint32_t i = 1; !relaxed_load(&stop); i++) {
        history_context(&history, (struct callers_id){i});
        access_at((uint64_t)i << 8, i % 64 * 16, RACE_WRITE, 8);
    }
    return NULL;
}

static void a_recall_beside_the_writer_is_never_wrong(void **state)
{
    (void)state;
    pthread_t writer;
    relaxed_store(&stop, false);
    assert_int_equal(pthread_create(&writer, NULL, write_for_long, NULL), 0);
    for (unsigned i = 0; i < 20000; i++) {
        struct history_found found = recall(0, UINT64_MAX, i % 64 * 16, 8, true);
        if (found.found) {
            assert_int_equal(found.place >> 8, found.callers.v);
            assert_int_equal((found.place >> 8) % 64, i % 64);
        }
    }
    relaxed_store(&stop, true);
    pthread_join(writer, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_is_recalled_of_nothing, begin),
        cmocka_unit_test_setup(the_last_fitting_access_is_recalled_with_its_callers, begin),
        cmocka_unit_test_setup(an_access_across_the_end_of_the_window_is_recalled, begin),
        cmocka_unit_test_setup(locks_of_the_moment_are_recalled, begin),
        cmocka_unit_test_setup(a_part_knows_what_came_before_it, begin),
        cmocka_unit_test_setup(more_locks_than_are_kept_do_no_harm, begin),
        cmocka_unit_test_setup(what_released_an_epoch_is_told, begin),
        cmocka_unit_test_setup(the_place_of_an_unlock_may_follow, begin),
        cmocka_unit_test_setup(a_release_is_found_parts_ago_and_told_from_another_threads, begin),
        cmocka_unit_test_setup(the_same_again_is_known_until_something_else_happens, begin),
        cmocka_unit_test_setup(a_recall_beside_the_writer_is_never_wrong, begin),
    };
    return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
