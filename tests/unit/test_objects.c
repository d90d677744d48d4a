/* From addresses to objects, the filter for freed memory, and the set of held locks. */
#include "detector_world.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "detector/state.h"
#include "malloc_host.h"

static const struct object_traits plain = {0};

static struct object *init_at(uint64_t address)
{
    return object_init(world.d, world_thread(0), OBJECT_MUTEX, address, &plain, world_at(1));
}

static void gone(uint64_t low, uint64_t high)
{
    object_range_gone(world.d, world_thread(0), low, high, true, world_at(2));
}

static void an_object_is_found_at_its_address_only(void **state)
{
    (void)state;
    struct object *o = init_at(0x1000);
    assert_ptr_equal(object_find(world.d, 0x1000), o);
    assert_null(object_find(world.d, 0x1001));
    assert_null(object_find(world.d, 0x1100));
    assert_true(object_is_live_at(o, 0x1000));
    assert_false(object_is_live_at(o, 0x2000));
}

static void a_destroyed_object_is_live_nowhere(void **state)
{
    (void)state;
    struct object *o = init_at(0x1000);
    uint32_t first = object_identity(o).v;
    object_destroy(world.d, world_thread(0), o, world_at(1));
    assert_false(object_is_live_at(o, 0x1000));
    assert_null(object_find(world.d, 0x1000));
    struct object *again = init_at(0x1000);
    assert_true(object_is_live_at(again, 0x1000));
    assert_int_not_equal(object_identity(again).v, first);
}

static void recycled_memory_belongs_to_its_new_address(void **state)
{
    (void)state;
    struct object *o = init_at(0x1000);
    gone(0x1000, 0x1040);
    struct object *next = init_at(0x9000);
    assert_ptr_equal(next, o); /* type-stable: the very same memory */
    assert_false(object_is_live_at(o, 0x1000));
    assert_true(object_is_live_at(o, 0x9000));
}

static void the_table_grows_and_forgets_ranges(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    for (uint64_t i = 0; i < MANY; i++)
        assert_non_null(init_at(0x100000 + i * 40));
    assert_true(object_table_check(&world.d->objects));
    for (uint64_t i = 0; i < MANY; i++) {
        struct object *o = object_find(world.d, 0x100000 + i * 40);
        assert_true(o != NULL && object_is_live_at(o, 0x100000 + i * 40));
    }
    gone(0x100000, 0x100000 + MANY / 2 * 40);
    assert_true(object_table_check(&world.d->objects));
    for (uint64_t i = 0; i < MANY; i++)
        assert_true((object_find(world.d, 0x100000 + i * 40) != NULL) == (i >= MANY / 2));
    gone(0, UINT64_MAX);
    assert_true(object_table_check(&world.d->objects));
    assert_int_equal(world.d->objects.count, 0);
    world_expect_nothing();
}

static void pages_without_objects_are_filtered(void **state)
{
    (void)state;
    assert_false(object_may_live_in(world.d, 0, UINT64_MAX));
    (void)init_at(0x7000123450);
    assert_true(object_may_live_in(world.d, 0x7000123450, 0x7000123451));
    assert_true(object_may_live_in(world.d, 0x7000123000, 0x7000124000));
    assert_true(object_may_live_in(world.d, 0x7000000000, 0x7001000000)); /* by regions */
    assert_true(object_may_live_in(world.d, 0, UINT64_MAX));
    assert_false(object_may_live_in(world.d, 0x7000123450, 0x7000123450)); /* empty */
    int hits = 0;
    for (uint64_t page = 0; page < 1000; page++)
        hits += object_may_live_in(world.d, 0x500000000 + page * 4096, 0x500000000 + page * 4096 + 64);
    assert_in_range(hits, 0, 10); /* hashed: a few may collide */
    gone(0x7000123450, 0x7000123451);
    assert_false(object_may_live_in(world.d, 0x7000123450, 0x7000123451));
}

static void random_ranges_agree_with_a_list(void **state)
{
    (void)state;
    enum { PLACES = 512, ROUNDS = 3000 };
    static bool lives[PLACES];
    memset(lives, 0, sizeof lives);
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    for (int round = 0; round < ROUNDS; round++) {
        int place = rand() % PLACES, length = 1 + rand() % 40;
        uint64_t low = 0x40000 + (uint64_t)place * 72;
        if (rand() % 3 != 0) {
            (void)init_at(low);
            lives[place] = true;
        } else {
            gone(low, low + (uint64_t)length * 72);
            for (int i = place; i < place + length && i < PLACES; i++)
                lives[i] = false;
        }
    }
    for (int i = 0; i < PLACES; i++)
        assert_int_equal(object_find(world.d, 0x40000 + (uint64_t)i * 72) != NULL, lives[i]);
    assert_true(object_table_check(&world.d->objects));
}

static void no_memory_for_an_object_is_counted(void **state)
{
    (void)state;
    malloc_host_limit(0);
    size_t made = 0;
    for (uint64_t i = 0; i < 100; i++)
        made += init_at(0x1000 + i * 64) != NULL;
    malloc_host_limit(SIZE_MAX);
    struct detector_counts counts;
    detector_counts(world.d, &counts);
    assert_int_equal(counts.lost_objects, 100 - made);
    assert_true(made < 100);
}

/* ---- look-ups while others insert and remove ---- */

static struct object_table shared_table;
static atomic_bool stop_looking;
static atomic_ulong missed;

static void *look_for_ever(void *arg)
{
    (void)arg;
    while (!atomic_load(&stop_looking)) {
        for (uint64_t i = 0; i < 64; i++) {
            struct object *o = object_table_find(&shared_table, 0x1000 + i * 64);
            if (o == NULL || relaxed_load(&o->address) != 0x1000 + i * 64)
                atomic_fetch_add(&missed, 1);
        }
    }
    return NULL;
}

static void lookups_never_miss_while_the_table_changes(void **state)
{
    (void)state;
    assert_true(object_table_init(&shared_table, &malloc_host));
    for (uint64_t i = 0; i < 64; i++)
        assert_non_null(object_table_insert(&shared_table, 0x1000 + i * 64));
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, look_for_ever, NULL), 0);
    for (uint64_t round = 0; round < 40; round++) {
        for (uint64_t i = 0; i < 1000; i++)
            (void)object_table_insert(&shared_table, 0x100000 + (round * 1000 + i) * 40);
        if (round % 2 == 1) {
            struct object *taken = object_table_take_range(&shared_table, 0x100000, UINT64_MAX);
            while (taken != NULL) {
                struct object *next = relaxed_load(&taken->next);
                object_table_recycle(&shared_table, taken);
                taken = next;
            }
        }
    }
    atomic_store(&stop_looking, true);
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_int_equal(atomic_load(&missed), 0);
    assert_true(object_table_check(&shared_table));
    object_table_delete(&shared_table);
}

/* ---- held locks ---- */

static void held_set_keeps_its_chain_in_any_order(void **state)
{
    (void)state;
    struct held_set *held = &world_thread(1)->seat->held;
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    bool holds[64] = {false};
    for (int i = 0; i < 5000; i++) {
        int number = rand() % 64;
        if (holds[number])
            world_unlock(1, world_mutex(number));
        else
            detector_lock_acquired(world.d, world_thread(1), world_mutex(number), LOCK_EXCLUSIVE, false, world_at(1));
        holds[number] = !holds[number];
        assert_true(held_check(held));
    }
    world_expect_nothing();
}

static void stale_entries_are_dropped(void **state)
{
    (void)state;
    struct held_set *held = &world_thread(1)->seat->held;
    world_lock(1, world_mutex(0));
    world_lock(1, world_mutex(1));
    world_lock(1, world_mutex(2));
    world_unlock(2, world_mutex(1)); /* a stranger */
    assert_int_equal(held_count(held), 3);
    assert_true(held_drop_stale(held));
    assert_int_equal(held_count(held), 2);
    assert_true(held_check(held));
    assert_false(held_drop_stale(held));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_object_is_found_at_its_address_only),     TEST(a_destroyed_object_is_live_nowhere),
        TEST(recycled_memory_belongs_to_its_new_address), TEST(the_table_grows_and_forgets_ranges),
        TEST(pages_without_objects_are_filtered),         TEST(random_ranges_agree_with_a_list),
        TEST(no_memory_for_an_object_is_counted),         TEST(lookups_never_miss_while_the_table_changes),
        TEST(held_set_keeps_its_chain_in_any_order),      TEST(stale_entries_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
