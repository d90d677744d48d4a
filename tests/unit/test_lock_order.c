/* test_lock_order.c: each rule of detector/lock_order.h, one at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "malloc_host.h"
#include "order_world.h"

enum { T1 = 1, T2, T3, T4 };
enum { A = 1, B, C, D, G };
enum { MANY = 4096 };

static struct world w;

static int begin(void **state)
{
    (void)state;
    world_init(&w, MANY);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    malloc_host_limit(SIZE_MAX);
    world_finish(&w);
    return 0;
}

static void nest_modes(uint32_t thread, uint32_t outer, enum lock_mode outer_mode, uint32_t inner,
                       enum lock_mode inner_mode)
{
    world_request(&w, thread, outer, outer_mode);
    world_take(&w, thread, outer, outer_mode);
    world_request(&w, thread, inner, inner_mode);
    world_release_all(&w, thread);
}

static void opposite_orders_are_reported_with_both_sides(void **state)
{
    (void)state;
    world_nest(&w, T1, A, B);
    assert_int_equal(w.finding_count, 0);
    world_nest(&w, T2, B, A);
    assert_int_equal(w.finding_count, 1);
    const struct world_finding *f = &w.findings[0];
    assert_int_equal(f->party_count, 2);
    assert_int_equal(f->threads[0], T2);
    assert_int_equal(f->wanted[0], A);
    assert_int_equal(f->threads[1], T1);
    assert_int_equal(f->wanted[1], B);
    assert_int_equal(f->held_counts[0], 1);
    assert_string_equal(f->detail, "a cycle of 2 locks");
}

static void same_order_is_silent(void **state)
{
    (void)state;
    world_nest(&w, T1, A, B);
    world_nest(&w, T2, A, B);
    assert_int_equal(w.finding_count, 0);
    assert_int_equal(world_counts(&w).edges, 1);
    assert_int_equal(world_counts(&w).dependencies, 2);
}

static void ring_of_three_is_reported_in_cycle_order(void **state)
{
    (void)state;
    world_nest(&w, T1, A, B);
    world_nest(&w, T2, B, C);
    world_nest(&w, T3, C, A);
    assert_int_equal(w.finding_count, 1);
    const struct world_finding *f = &w.findings[0];
    assert_int_equal(f->party_count, 3);
    const uint32_t threads[] = {T3, T1, T2};
    const uint32_t wanted[] = {A, B, C};
    assert_memory_equal(f->threads, threads, sizeof threads);
    assert_memory_equal(f->wanted, wanted, sizeof wanted);
    assert_string_equal(f->detail, "a cycle of 3 locks");
}

static void long_ring_is_found(void **state)
{
    (void)state;
    enum { LENGTH = 8 };
    for (uint32_t i = 1; i < LENGTH; i++)
        world_nest(&w, i, 100 + i, 101 + i);
    assert_int_equal(w.finding_count, 0);
    world_nest(&w, LENGTH, 100 + LENGTH, 101);
    assert_int_equal(w.finding_count, 1);
    assert_int_equal(w.findings[0].party_count, LENGTH);
}

static void one_thread_alone_cannot_deadlock(void **state)
{
    (void)state;
    world_nest(&w, T1, A, B);
    world_nest(&w, T1, B, A);
    assert_int_equal(w.finding_count, 0);
    assert_int_equal(world_counts(&w).cycles_filtered, 1);
}

static void ring_needs_three_threads(void **state)
{
    (void)state;
    world_nest(&w, T1, A, B);
    world_nest(&w, T2, B, C);
    world_nest(&w, T1, C, A);
    assert_int_equal(w.finding_count, 0);
}

static void edge_does_not_survive_release(void **state)
{
    (void)state;
    world_lock(&w, T1, A);
    world_lock(&w, T1, B);
    world_release(&w, T1, A);
    world_lock(&w, T1, C); /* holds B alone */
    world_release_all(&w, T1);
    world_nest(&w, T2, C, A);
    assert_int_equal(w.finding_count, 0);
}

/* Tries to take `inner` under `outer`, lets go of `outer` and asks for it again. */
static void retake_outer(uint32_t thread, uint32_t outer, uint32_t inner)
{
    world_lock(&w, thread, outer);
    world_take(&w, thread, inner, LOCK_EXCLUSIVE);
    world_release(&w, thread, outer);
    world_lock(&w, thread, outer);
    world_release_all(&w, thread);
}

static void locks_each_taken_under_the_other_cannot_both_be_held(void **state)
{
    (void)state;
    retake_outer(T1, A, B);
    retake_outer(T2, B, A);
    assert_int_equal(w.finding_count, 0);
}

static void lock_taken_under_the_other_by_one_side_alone_is_no_excuse(void **state)
{
    (void)state;
    retake_outer(T1, A, B); /* may hold B before the second takes A */
    world_nest(&w, T2, A, B);
    assert_int_equal(w.finding_count, 1);
}

static void lock_taken_otherwise_too_is_evidence_of_its_own(void **state)
{
    (void)state;
    retake_outer(T1, A, B);
    retake_outer(T2, B, A);
    world_nest(&w, T1, B, A);
    assert_int_equal(w.finding_count, 1);
}

static void ring_taken_under_one_another_cannot_be_held(void **state)
{
    (void)state;
    /* each takes its link under the one that the thread before it holds */
    retake_outer(T1, A, B);
    retake_outer(T2, B, C);
    retake_outer(T3, C, A);
    assert_int_equal(w.finding_count, 0);
}

static void readers_of_both_locks_cannot_deadlock(void **state)
{
    (void)state;
    nest_modes(T1, A, LOCK_SHARED, B, LOCK_SHARED);
    nest_modes(T2, B, LOCK_SHARED, A, LOCK_SHARED);
    assert_int_equal(w.finding_count, 0);
}

static void readers_can_when_writers_come_first(void **state)
{
    (void)state;
    w.prefers_writers = true;
    nest_modes(T1, A, LOCK_SHARED, B, LOCK_SHARED);
    nest_modes(T2, B, LOCK_SHARED, A, LOCK_SHARED);
    assert_int_equal(w.finding_count, 1);
}

static void one_link_of_readers_is_enough_to_dismiss(void **state)
{
    (void)state;
    nest_modes(T1, A, LOCK_SHARED, B, LOCK_EXCLUSIVE);
    nest_modes(T2, B, LOCK_SHARED, A, LOCK_SHARED);
    assert_int_equal(w.finding_count, 0);
}

static void reader_against_writer_on_each_link_is_reported(void **state)
{
    (void)state;
    nest_modes(T1, A, LOCK_SHARED, B, LOCK_EXCLUSIVE);
    nest_modes(T2, B, LOCK_SHARED, A, LOCK_EXCLUSIVE);
    assert_int_equal(w.finding_count, 1);
}

static void order_by_creation_silences_cycle(void **state)
{
    (void)state;
    world_nest(&w, T1, A, B);
    world_hand_over(&w, T1, T2);
    world_nest(&w, T2, B, A);
    assert_int_equal(w.finding_count, 0);
    assert_int_equal(world_counts(&w).cycles_filtered, 1);
}

static void order_by_two_hand_overs_silences_cycle(void **state)
{
    (void)state;
    world_nest(&w, T1, A, B);
    world_hand_over(&w, T1, T3);
    world_hand_over(&w, T3, T2);
    world_nest(&w, T2, B, A);
    assert_int_equal(w.finding_count, 0);
}

/* T1 -> T2 is ordered, but T1 has done the same again since: its latest epoch tells, although nobody searched then. */
static void repetition_before_the_cycle_closes_is_unordered(void **state)
{
    (void)state;
    world_nest(&w, T1, A, B);
    world_hand_over(&w, T1, T2);
    world_nest(&w, T1, A, B);
    assert_int_equal(w.finding_count, 0);
    world_nest(&w, T2, B, A);
    assert_int_equal(w.finding_count, 1);
}

static void repetition_after_an_ordered_cycle_is_unordered(void **state)
{
    (void)state;
    world_nest(&w, T1, A, B);
    world_hand_over(&w, T1, T2);
    world_nest(&w, T2, B, A);
    assert_int_equal(w.finding_count, 0);
    world_nest(&w, T1, A, B);
    assert_int_equal(w.finding_count, 1);
}

static void repetition_that_is_ordered_too_stays_silent(void **state)
{
    (void)state;
    world_nest(&w, T1, A, B);
    world_hand_over(&w, T1, T2);
    world_nest(&w, T2, B, A);
    world_hand_over(&w, T2, T1);
    world_nest(&w, T1, A, B);
    world_hand_over(&w, T1, T2);
    world_nest(&w, T2, B, A);
    assert_int_equal(w.finding_count, 0);
}

static void recheck_is_asked_for_once_an_epoch_and_only_of_the_earlier(void **state)
{
    (void)state;
    world_lock(&w, T1, A);
    struct dependency *earlier = world_request(&w, T1, B, LOCK_EXCLUSIVE);
    assert_false(dependency_repeated(earlier, world_stamp(&w, T1).epoch));
    world_hand_over(&w, T1, T2);
    world_lock(&w, T2, B);
    struct dependency *later = world_request(&w, T2, A, LOCK_EXCLUSIVE);
    world_hand_over(&w, T2, T3);
    assert_false(dependency_repeated(later, world_stamp(&w, T2).epoch));
    assert_true(dependency_repeated(earlier, world_stamp(&w, T1).epoch));
    world_request(&w, T1, B, LOCK_EXCLUSIVE);
    assert_int_equal(w.finding_count, 1);
    assert_false(dependency_repeated(earlier, world_stamp(&w, T1).epoch));
}

static void two_earlier_sides_that_are_ordered_silence_a_ring(void **state)
{
    (void)state;
    world_nest(&w, T1, A, B);
    world_hand_over(&w, T1, T2);
    world_nest(&w, T2, B, C);
    world_nest(&w, T3, C, A);
    assert_int_equal(w.finding_count, 0);
    world_nest(&w, T1, A, B);
    assert_int_equal(w.finding_count, 1);
}

static void same_code_over_many_locks_is_one_finding(void **state)
{
    (void)state;
    for (uint32_t pair = 0; pair < 1000; pair++) {
        uint32_t first = 10 + pair * 2;
        w.stack = 7;
        world_lock(&w, T1, first);
        w.stack = 8;
        world_lock(&w, T1, first + 1);
        world_release_all(&w, T1);
        w.stack = 9;
        world_lock(&w, T2, first + 1);
        w.stack = 10;
        world_lock(&w, T2, first);
        world_release_all(&w, T2);
    }
    assert_int_equal(w.finding_count, 1);
    assert_int_equal(world_counts(&w).cycles_reported, 1);
    assert_int_equal(world_counts(&w).cycles_repeated, 999);
}

static void other_code_over_the_same_locks_is_another_finding(void **state)
{
    (void)state;
    world_nest(&w, T1, A, B);
    world_nest(&w, T2, B, A);
    world_nest(&w, T3, B, A);
    assert_int_equal(w.finding_count, 2);
}

static void orders_stay_right_among_cyclic_locks(void **state)
{
    (void)state;
    world_nest(&w, T1, A, B);
    world_nest(&w, T2, B, A);
    world_nest(&w, T1, B, C);
    world_nest(&w, T1, C, D);
    assert_int_equal(w.finding_count, 1);
    assert_true(lock_order_check(w.order));
    world_nest(&w, T2, D, C);
    assert_int_equal(w.finding_count, 2);
    assert_true(lock_order_check(w.order));
}

static void removed_lock_closes_no_cycle(void **state)
{
    (void)state;
    world_nest(&w, T1, A, B);
    uint32_t before = lock_order_removals(w.order);
    lock_order_remove(w.order, (struct object_id){B});
    assert_int_not_equal(lock_order_removals(w.order), before);
    assert_int_equal(world_counts(&w).edges, 0);
    assert_int_equal(world_counts(&w).dependencies, 0);
    world_nest(&w, T2, B, A);
    assert_int_equal(w.finding_count, 0);
}

static void removing_a_lock_without_nesting_disturbs_nobody(void **state)
{
    (void)state;
    uint32_t before = lock_order_removals(w.order);
    lock_order_remove(w.order, (struct object_id){D});
    assert_int_equal(lock_order_removals(w.order), before);
}

static void nesting_outlives_an_outer_lock_of_it(void **state)
{
    (void)state;
    world_lock(&w, T1, G);
    world_nest(&w, T1, A, B);
    lock_order_remove(w.order, (struct object_id){G});
    assert_true(lock_order_check(w.order));
    world_nest(&w, T2, B, A);
    assert_int_equal(w.finding_count, 1);
    assert_int_equal(w.findings[0].held_counts[1], 2); /* the record still names the lock that is gone */
}

static void short_lived_outer_locks_do_not_pile_up(void **state)
{
    (void)state;
    for (uint32_t outer = 100; outer < 1100; outer++) {
        world_lock(&w, T1, outer);
        world_lock(&w, T1, A);
        world_lock(&w, T1, B);
        world_release_all(&w, T1);
        lock_order_remove(w.order, (struct object_id){outer});
    }
    assert_int_equal(world_counts(&w).dependencies, 1);
    assert_int_equal(world_counts(&w).edges, 1);
    assert_int_equal(world_counts(&w).nodes, 2);
}

static void threads_that_end_do_not_pile_up(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        const struct held_lock held = {.object = {.id = {A}}, .stack = {1}};
        const struct order_request request = {.thread = {1000 + i},
                                              .stamp = world_stamp(&w, T1),
                                              .wanted = {.id = {B}},
                                              .at = {2},
                                              .held = &held,
                                              .held_count = 1};
        lock_order_request(w.order, &request, NULL, NULL);
        lock_order_thread_ended(w.order, request.thread);
    }
    assert_in_range(world_counts(&w).dependencies, 1, 8);
    world_nest(&w, T2, B, A);
    assert_int_equal(w.finding_count, 1);
}

static void budget_spent_is_counted_and_harmless(void **state)
{
    (void)state;
    world_finish(&w);
    world_init(&w, 2);
    world_nest(&w, T1, A, B);
    world_nest(&w, T1, B, C);
    world_nest(&w, T1, C, D);
    assert_int_equal(world_counts(&w).lost_dependencies, 1);
    assert_int_equal(world_counts(&w).dependencies, 2);
    assert_true(lock_order_check(w.order));
}

static void memory_spent_is_counted_and_harmless(void **state)
{
    (void)state;
    for (size_t allowed = 0; allowed < 40; allowed++) {
        malloc_host_limit(allowed);
        for (uint32_t i = 1; i < 200; i++)
            world_nest(&w, T1 + i % 3, A + i * 7 % 60, A + i * 11 % 59 + 60);
        assert_true(lock_order_check(w.order));
        malloc_host_limit(SIZE_MAX);
        world_finish(&w);
        world_init(&w, MANY);
    }
}

/* Locks 1 to LAST-1 are taken in rising order in every way; each way to LAST is the closing thread's own. */
static void search_gives_up_after_its_allowance(void **state)
{
    (void)state;
    enum { LAST = 20, CLOSING = 50 };
    for (uint32_t from = 1; from < LAST; from++) {
        for (uint32_t to = from + 1; to < LAST; to++)
            world_nest(&w, from, from, to);
        world_nest(&w, CLOSING, from, LAST);
    }
    assert_int_equal(world_counts(&w).lost_searches, 0);
    world_nest(&w, CLOSING, LAST, 1);
    assert_int_equal(w.finding_count, 0);
    assert_int_equal(world_counts(&w).lost_searches, 1);
}

static void of_one_closing_side_the_shortest_cycle_is_reported(void **state)
{
    (void)state;
    world_nest(&w, T1, A, B);
    world_nest(&w, T2, A, C);
    world_nest(&w, T3, C, B);
    world_nest(&w, T4, B, A);
    assert_int_equal(w.finding_count, 1);
    assert_int_equal(w.findings[0].party_count, 2);
}

static void longer_cycle_is_reported_when_the_shorter_is_known(void **state)
{
    (void)state;
    w.stack = 100;
    world_nest(&w, T1, A, B);
    world_nest(&w, T4, B, A);
    world_nest(&w, T1, A + 10, B + 10); /* the same code over other locks */
    w.stack = 0;
    world_nest(&w, T2, A + 10, C + 10);
    world_nest(&w, T3, C + 10, B + 10);
    w.stack = 100;
    world_nest(&w, T4, B + 10, A + 10);
    assert_int_equal(w.finding_count, 2);
    assert_int_equal(w.findings[1].party_count, 3);
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(opposite_orders_are_reported_with_both_sides),
        RULE(same_order_is_silent),
        RULE(ring_of_three_is_reported_in_cycle_order),
        RULE(long_ring_is_found),
        RULE(one_thread_alone_cannot_deadlock),
        RULE(ring_needs_three_threads),
        RULE(edge_does_not_survive_release),
        RULE(locks_each_taken_under_the_other_cannot_both_be_held),
        RULE(lock_taken_under_the_other_by_one_side_alone_is_no_excuse),
        RULE(lock_taken_otherwise_too_is_evidence_of_its_own),
        RULE(ring_taken_under_one_another_cannot_be_held),
        RULE(readers_of_both_locks_cannot_deadlock),
        RULE(readers_can_when_writers_come_first),
        RULE(one_link_of_readers_is_enough_to_dismiss),
        RULE(reader_against_writer_on_each_link_is_reported),
        RULE(order_by_creation_silences_cycle),
        RULE(order_by_two_hand_overs_silences_cycle),
        RULE(repetition_before_the_cycle_closes_is_unordered),
        RULE(repetition_after_an_ordered_cycle_is_unordered),
        RULE(repetition_that_is_ordered_too_stays_silent),
        RULE(recheck_is_asked_for_once_an_epoch_and_only_of_the_earlier),
        RULE(two_earlier_sides_that_are_ordered_silence_a_ring),
        RULE(same_code_over_many_locks_is_one_finding),
        RULE(other_code_over_the_same_locks_is_another_finding),
        RULE(orders_stay_right_among_cyclic_locks),
        RULE(removed_lock_closes_no_cycle),
        RULE(removing_a_lock_without_nesting_disturbs_nobody),
        RULE(nesting_outlives_an_outer_lock_of_it),
        RULE(short_lived_outer_locks_do_not_pile_up),
        RULE(threads_that_end_do_not_pile_up),
        RULE(budget_spent_is_counted_and_harmless),
        RULE(memory_spent_is_counted_and_harmless),
        RULE(search_gives_up_after_its_allowance),
        RULE(of_one_closing_side_the_shortest_cycle_is_reported),
        RULE(longer_cycle_is_reported_when_the_shorter_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
