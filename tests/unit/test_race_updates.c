/* A plain change of a place beside an atomic one, by hand. */
#include "race_world.h"

#include "detector/state.h"

#define X UINT64_C(0x7f1234567810)

static void begin(void)
{
    race_world_plane(1), race_world_plane(2), race_world_plane(3);
    race_world.released = (struct race_recalled){.found = true, .stack = {77}};
}

static void add(int thread)
{
    race_atomic_add(race_world.engine, race_world_plane(thread), X, 4, ORDER_ACQ_REL);
    race_atomic_after(race_world.engine, race_world_plane(thread), X, 4, ORDER_ACQ_REL);
}

static void update(int thread, uint64_t size)
{
    (void)race_world_access(thread, X, size, RACE_WRITE | RACE_READ_MODIFY);
}

static void a_plain_change_after_an_atomic_addition(void **state)
{
    (void)state;
    begin();
    add(1);
    update(2, 4);
    const struct world_finding *found = world_expect_one(FINDING_DATA_RACE);
    assert_int_equal(found->party[0].role, PARTY_WRITES);
    assert_int_equal(found->party[0].thread, race_world_plane(2)->thread->id.v);
    assert_int_equal(found->party[1].thread, race_world_plane(1)->thread->id.v);
}

static void an_atomic_addition_after_a_plain_change(void **state)
{
    (void)state;
    begin();
    add(1);
    add(2);
    assert_false(race_world_read(1, X, 4)); /* both have heard of each other by now */
    update(1, 4);
    world_expect_nothing();
    add(2);
    (void)world_expect_one(FINDING_DATA_RACE);
}

/* What the plain change leaves is a tag. */
static void the_first_atomic_addition_after_a_plain_change(void **state)
{
    (void)state;
    begin();
    race_world.recalled = (struct race_recalled){
        .found = true, .stack = {78}, .flags = RACE_WRITE | RACE_READ_MODIFY, .address = X, .size = 4};
    update(1, 4);
    add(2);
    (void)world_expect_one(FINDING_DATA_RACE);
}

static void a_plain_store_counts_as_an_atomic_one(void **state)
{
    (void)state;
    begin();
    race_world.recalled =
        (struct race_recalled){.found = true, .stack = {78}, .flags = RACE_WRITE, .address = X, .size = 4};
    assert_false(race_world_write(1, X, 4));
    add(2);
    assert_false(race_world_write(3, X, 4));
    add(1);
    world_expect_nothing();
}

static void who_has_heard_of_it_loses_nothing(void **state)
{
    (void)state;
    begin();
    add(1);
    assert_false(race_world_read(2, X, 4)); /* an atomic load */
    update(2, 4);
    world_expect_nothing();
}

static void other_atomic_operations_are_allowed(void **state)
{
    (void)state;
    begin();
    race_world_exchange(1, X);
    update(2, 4);
    race_world_exchange(1, X);
    world_expect_nothing();
}

static void other_bytes_are_allowed(void **state)
{
    (void)state;
    begin();
    add(1);
    update(2, 2);
    add(1);
    world_expect_nothing();
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, race_world_setup, race_world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_plain_change_after_an_atomic_addition),
        CASE(an_atomic_addition_after_a_plain_change),
        CASE(the_first_atomic_addition_after_a_plain_change),
        CASE(a_plain_store_counts_as_an_atomic_one),
        CASE(who_has_heard_of_it_loses_nothing),
        CASE(other_atomic_operations_are_allowed),
        CASE(other_bytes_are_allowed),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
