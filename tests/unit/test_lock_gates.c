/* test_lock_gates.c: what keeps the sides of a circle apart: gate locks, and semaphores that let too few in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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
    world_finish(&w);
    return 0;
}

static void nest_under_gate(uint32_t thread, enum lock_mode gate_mode, uint32_t outer, uint32_t inner)
{
    world_request(&w, thread, G, gate_mode);
    world_take(&w, thread, G, gate_mode);
    world_lock(&w, thread, outer);
    world_lock(&w, thread, inner);
    world_release_all(&w, thread);
}

static void gate_lock_silences_cycle(void **state)
{
    (void)state;
    nest_under_gate(T1, LOCK_EXCLUSIVE, A, B);
    nest_under_gate(T2, LOCK_EXCLUSIVE, B, A);
    assert_int_equal(w.finding_count, 0);
    assert_int_equal(world_counts(&w).cycles_filtered, 1);
}

static void gate_held_by_one_side_is_none(void **state)
{
    (void)state;
    nest_under_gate(T1, LOCK_EXCLUSIVE, A, B);
    world_nest(&w, T2, B, A);
    assert_int_equal(w.finding_count, 1);
}

static void gate_shared_by_both_is_none(void **state)
{
    (void)state;
    nest_under_gate(T1, LOCK_SHARED, A, B);
    nest_under_gate(T2, LOCK_SHARED, B, A);
    assert_int_equal(w.finding_count, 1);
    assert_int_equal(w.findings[0].held_counts[0], 2);
}

static void gate_shared_by_one_and_exclusive_in_the_other_holds(void **state)
{
    (void)state;
    nest_under_gate(T1, LOCK_SHARED, A, B);
    nest_under_gate(T2, LOCK_EXCLUSIVE, B, A);
    assert_int_equal(w.finding_count, 0);
}

/* Each of the first `count` threads takes a unit of G, which has `units` of them, and then two locks of a ring. */
static void dine(uint32_t count, uint32_t units)
{
    for (uint32_t i = 0; i < count; i++) {
        world_take_unit(&w, T1 + i, G, units);
        world_lock(&w, T1 + i, A + i);
        world_lock(&w, T1 + i, A + (i + 1) % count);
        world_release_all(&w, T1 + i);
    }
}

static void semaphore_with_too_few_units_keeps_a_circle_open(void **state)
{
    (void)state;
    dine(4, 3);
    assert_int_equal(w.finding_count, 0);
    assert_int_equal(world_counts(&w).cycles_filtered, 1);
}

static void semaphore_with_units_for_all_does_not(void **state)
{
    (void)state;
    dine(4, 4);
    assert_int_equal(w.finding_count, 1);
    assert_int_equal(w.findings[0].held_counts[0], 2);
}

static void one_who_takes_no_unit_closes_the_circle(void **state)
{
    (void)state;
    dine(4, 3);
    world_nest(&w, T4, D, A);
    assert_int_equal(w.finding_count, 1);
}

static void units_that_limit_nothing_do_not_either(void **state)
{
    (void)state;
    dine(3, 2);
    lock_order_remove_units(w.order, (struct object_id){G});
    world_nest(&w, T3, C, A);
    assert_int_equal(w.finding_count, 1);
}

static void semaphore_that_is_gone_still_had_its_units(void **state)
{
    (void)state;
    world_take_unit(&w, T1, G, 2);
    world_lock(&w, T1, A);
    world_lock(&w, T1, B);
    world_take_unit(&w, T2, G, 2);
    world_lock(&w, T2, B);
    world_lock(&w, T2, C);
    world_take_unit(&w, T3, G, 2);
    world_lock(&w, T3, C);
    lock_order_remove(w.order, (struct object_id){G});
    world_lock(&w, T3, A);
    assert_int_equal(w.finding_count, 0);
}

static void same_nesting_without_gate_is_evidence_of_its_own(void **state)
{
    (void)state;
    nest_under_gate(T1, LOCK_EXCLUSIVE, A, B);
    nest_under_gate(T2, LOCK_EXCLUSIVE, B, A);
    world_nest(&w, T1, A, B);
    assert_int_equal(w.finding_count, 1);
}

static void gate_that_is_gone_still_was_one(void **state)
{
    (void)state;
    nest_under_gate(T1, LOCK_EXCLUSIVE, A, B);
    nest_under_gate(T2, LOCK_EXCLUSIVE, B, C);
    lock_order_remove(w.order, (struct object_id){G});
    world_nest(&w, T3, C, A);
    assert_int_equal(w.finding_count, 0);
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(gate_lock_silences_cycle),
        RULE(gate_held_by_one_side_is_none),
        RULE(gate_shared_by_both_is_none),
        RULE(gate_shared_by_one_and_exclusive_in_the_other_holds),
        RULE(semaphore_with_too_few_units_keeps_a_circle_open),
        RULE(semaphore_with_units_for_all_does_not),
        RULE(one_who_takes_no_unit_closes_the_circle),
        RULE(units_that_limit_nothing_do_not_either),
        RULE(semaphore_that_is_gone_still_had_its_units),
        RULE(same_nesting_without_gate_is_evidence_of_its_own),
        RULE(gate_that_is_gone_still_was_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
