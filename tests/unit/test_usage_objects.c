/* Misuse in the life of objects: initialised twice, used before or after it, destroyed while in use. */
#include "detector_world.h"

static struct object *adopt(enum object_kind kind, int number, struct object_traits traits)
{
    uint64_t address = world_address(kind, number);
    return object_adopt(world.d, world_thread(0), kind, address, &traits, world_at(5));
}

static struct object *init(enum object_kind kind, int number, struct object_traits traits)
{
    uint64_t address = world_address(kind, number);
    return object_init(world.d, world_thread(0), kind, address, &traits, world_at(6));
}

static void destroy(struct object *o)
{
    object_destroy(world.d, world_thread(0), o, world_at(7));
}

static void cond_wait(int thread, struct object *c, struct object *m)
{
    world_lock(thread, m);
    detector_cond_wait(world.d, world_thread(thread), c, m, false, world_at(8));
}

static const struct object_traits plain = {0};
static const struct object_traits in_data = {.is_static = true, .was_initialised = true};
static const struct object_traits maybe_initialised = {.was_initialised = true};

/* ---- initialisation ---- */

static void static_object_initialised_twice(void **state)
{
    (void)state;
    (void)init(OBJECT_MUTEX, 0, in_data);
    world_expect_nothing();
    (void)init(OBJECT_MUTEX, 0, in_data);
    const struct world_finding *found = world_expect_one(FINDING_DOUBLE_INIT);
    assert_int_equal(found->party[1].role, PARTY_INITIALISED);
    assert_int_equal(found->party[1].stack, 6);
}

static void memory_that_is_reused_may_be_initialised_again(void **state)
{
    (void)state;
    (void)init(OBJECT_MUTEX, 0, plain);
    (void)init(OBJECT_MUTEX, 0, plain);
    (void)init(OBJECT_RWLOCK, 0, plain);
    world_expect_nothing();
}

static void static_object_destroyed_in_between_may_be_initialised_again(void **state)
{
    (void)state;
    destroy(init(OBJECT_MUTEX, 0, in_data));
    (void)init(OBJECT_MUTEX, 0, in_data);
    world_expect_nothing();
}

static void initialised_again_while_held(void **state)
{
    (void)state;
    world_lock(1, init(OBJECT_MUTEX, 0, plain));
    (void)init(OBJECT_MUTEX, 0, plain);
    world_expect_one(FINDING_DESTROY_LOCKED);
    world_end(1); /* its hold went with the old generation */
    world_expect_one(FINDING_DESTROY_LOCKED);
}

static void use_without_initialisation(void **state)
{
    (void)state;
    assert_non_null(adopt(OBJECT_MUTEX, 0, maybe_initialised));
    assert_ptr_equal(adopt(OBJECT_MUTEX, 0, maybe_initialised), object_find(world.d, world_address(OBJECT_MUTEX, 0)));
    world_expect_nothing();
    assert_non_null(adopt(OBJECT_SEMAPHORE, 0, plain));
    world_expect_one(FINDING_USE_UNINITIALIZED);
}

static void use_after_destroy(void **state)
{
    (void)state;
    destroy(init(OBJECT_MUTEX, 0, plain));
    assert_null(object_find(world.d, world_address(OBJECT_MUTEX, 0)));
    assert_non_null(adopt(OBJECT_MUTEX, 0, plain));
    const struct world_finding *found = world_expect_one(FINDING_USE_AFTER_DESTROY);
    assert_int_equal(found->party[1].role, PARTY_DESTROYED);
    assert_int_equal(found->party[1].stack, 7);
}

static void use_of_memory_that_was_statically_initialised_again(void **state)
{
    (void)state;
    destroy(init(OBJECT_MUTEX, 0, plain));
    (void)adopt(OBJECT_MUTEX, 0, maybe_initialised);
    destroy(init(OBJECT_MUTEX, 1, in_data));
    (void)adopt(OBJECT_MUTEX, 1, in_data); /* a destroyed mutex shows in its content; this one was assigned anew */
    world_expect_nothing();
    destroy(init(OBJECT_RWLOCK, 0, in_data));
    (void)adopt(OBJECT_RWLOCK, 0, in_data);
    world_expect_one(FINDING_USE_AFTER_DESTROY);
}

static void use_after_destroy_and_initialisation_is_silent(void **state)
{
    (void)state;
    destroy(init(OBJECT_SEMAPHORE, 0, plain));
    struct object *s = init(OBJECT_SEMAPHORE, 0, (struct object_traits){.count = 1});
    world_sem_wait(0, s);
    world_expect_nothing();
}

static void object_of_another_kind(void **state)
{
    (void)state;
    uint64_t address = world_address(OBJECT_MUTEX, 0);
    (void)init(OBJECT_MUTEX, 0, maybe_initialised);
    (void)object_adopt(world.d, world_thread(0), OBJECT_COND, address, &maybe_initialised, world_at(1));
    world_expect_nothing(); /* a stack frame may have been reused */
    (void)object_adopt(world.d, world_thread(0), OBJECT_RWLOCK, address, &in_data, world_at(1));
    world_expect_one(FINDING_INVALID_OBJECT);
}

static void check_of_the_kind(void **state)
{
    (void)state;
    struct object *m = init(OBJECT_MUTEX, 0, in_data);
    assert_true(object_check_kind(world.d, world_thread(0), m, OBJECT_MUTEX, world_at(1)));
    world_expect_nothing();
    assert_false(object_check_kind(world.d, world_thread(0), m, OBJECT_COND, world_at(1)));
    world_expect_one(FINDING_INVALID_OBJECT);
}

/* ---- destruction ---- */

static void free_locks_may_be_destroyed(void **state)
{
    (void)state;
    struct object *m = init(OBJECT_MUTEX, 0, plain), *l = init(OBJECT_RWLOCK, 0, plain);
    world_lock(1, m);
    world_unlock(1, m);
    world_lock_shared(1, l);
    world_unlock(1, l);
    destroy(m);
    destroy(l);
    destroy(init(OBJECT_COND, 0, plain));
    destroy(init(OBJECT_SEMAPHORE, 0, plain));
    world_expect_nothing();
}

static void mutex_destroyed_while_held_lives_on(void **state)
{
    (void)state;
    struct object *m = init(OBJECT_MUTEX, 0, plain);
    world_lock(1, m);
    destroy(m);
    const struct world_finding *found = world_expect_one(FINDING_DESTROY_LOCKED);
    assert_int_equal(found->party[1].role, PARTY_HOLDS);
    assert_int_equal(found->party[1].thread, thread_identity(world_thread(1)).v);
    assert_true(object_is_live_at(m, world_address(OBJECT_MUTEX, 0)));
    world_unlock(1, m);
    destroy(m);
    world_expect_one(FINDING_DESTROY_LOCKED);
}

static void rwlock_destroyed_while_read(void **state)
{
    (void)state;
    struct object *l = init(OBJECT_RWLOCK, 0, plain);
    world_lock_shared(1, l);
    destroy(l);
    const struct world_finding *found = world_expect_one(FINDING_DESTROY_LOCKED);
    assert_int_equal(found->party[1].thread, thread_identity(world_thread(1)).v);
}

static void condition_destroyed_with_waiters(void **state)
{
    (void)state;
    struct object *c = init(OBJECT_COND, 0, plain);
    cond_wait(1, c, init(OBJECT_MUTEX, 0, plain));
    destroy(c);
    world_expect_one(FINDING_DESTROY_WITH_WAITERS);
}

static void condition_destroyed_after_broadcast_is_silent(void **state)
{
    (void)state;
    struct object *c = init(OBJECT_COND, 0, plain);
    cond_wait(1, c, init(OBJECT_MUTEX, 0, plain));
    cond_wait(2, c, init(OBJECT_MUTEX, 0, plain));
    detector_cond_signal(world.d, world_thread(0), c, true, world_at(1));
    destroy(c);
    world_expect_nothing();
}

static void semaphore_destroyed_with_waiters(void **state)
{
    (void)state;
    struct object *s = init(OBJECT_SEMAPHORE, 0, plain);
    world_block(1, s, LOCK_EXCLUSIVE, false);
    destroy(s);
    world_expect_one(FINDING_SEM_DESTROY_WITH_WAITERS);
}

static void semaphore_destroyed_after_the_post_its_waiter_wakes_by_is_silent(void **state)
{
    (void)state;
    struct object *s = init(OBJECT_SEMAPHORE, 0, plain);
    world_block(1, s, LOCK_EXCLUSIVE, false);
    world_sem_post(0, s);
    destroy(s);
    world_expect_nothing();
}

static void barrier_destroyed_or_initialised_while_threads_are_inside(void **state)
{
    (void)state;
    struct object *b = init(OBJECT_BARRIER, 0, (struct object_traits){.count = 2});
    for (int round = 0; round < 2; round++) {
        detector_barrier_arrive(world.d, world_thread(1), b, world_at(1));
        detector_barrier_arrive(world.d, world_thread(2), b, world_at(1));
        detector_barrier_leave(world.d, world_thread(1), b);
        detector_barrier_leave(world.d, world_thread(2), b);
    }
    destroy(b);
    world_expect_nothing();
    b = init(OBJECT_BARRIER, 0, (struct object_traits){.count = 2});
    detector_barrier_arrive(world.d, world_thread(1), b, world_at(1));
    destroy(b);
    world_expect_one(FINDING_BARRIER_MISUSE);
    b = init(OBJECT_BARRIER, 1, (struct object_traits){.count = 2});
    detector_barrier_arrive(world.d, world_thread(2), b, world_at(1));
    (void)init(OBJECT_BARRIER, 1, (struct object_traits){.count = 3});
    assert_int_equal(world_count(FINDING_BARRIER_MISUSE), 2);
}

static void barrier_destroyed_before_all_have_left(void **state)
{
    (void)state;
    struct object *b = init(OBJECT_BARRIER, 0, (struct object_traits){.count = 2});
    detector_barrier_arrive(world.d, world_thread(1), b, world_at(1));
    detector_barrier_arrive(world.d, world_thread(2), b, world_at(1));
    detector_barrier_leave(world.d, world_thread(2), b);
    assert_true(detector_barrier_is_being_left(b));
    destroy(b); /* which waits for the other */
    world_expect_nothing();
}

static void barrier_made_anew_before_all_have_left(void **state)
{
    (void)state;
    struct object *b = init(OBJECT_BARRIER, 0, (struct object_traits){.count = 2});
    detector_barrier_arrive(world.d, world_thread(1), b, world_at(1));
    detector_barrier_arrive(world.d, world_thread(2), b, world_at(1));
    detector_barrier_leave(world.d, world_thread(2), b);
    (void)init(OBJECT_BARRIER, 0, (struct object_traits){.count = 2});
    world_expect_one(FINDING_BARRIER_MISUSE);
}

/* ---- memory ---- */

static void range_gone(enum object_kind kind, int number, bool was_freed)
{
    uint64_t low = world_address(kind, number) - 16;
    object_range_gone(world.d, world_thread(0), low, low + 64, was_freed, world_at(9));
}

static void freed_memory_with_a_held_lock(void **state)
{
    (void)state;
    world_lock(1, init(OBJECT_MUTEX, 0, plain));
    range_gone(OBJECT_MUTEX, 0, true);
    world_expect_one(FINDING_DESTROY_LOCKED);
    assert_null(object_find(world.d, world_address(OBJECT_MUTEX, 0)));
    world_end(1);
    world_expect_one(FINDING_DESTROY_LOCKED);
}

static void freed_memory_with_a_free_or_destroyed_lock_is_silent(void **state)
{
    (void)state;
    (void)init(OBJECT_MUTEX, 0, plain);
    destroy(init(OBJECT_MUTEX, 1, plain));
    range_gone(OBJECT_MUTEX, 0, true);
    range_gone(OBJECT_MUTEX, 1, true);
    (void)adopt(OBJECT_MUTEX, 1, maybe_initialised);
    world_expect_nothing();
}

static void stack_popped_with_a_held_lock_is_silent(void **state)
{
    (void)state;
    world_lock(1, init(OBJECT_MUTEX, 0, plain));
    range_gone(OBJECT_MUTEX, 0, false);
    world_end(1);
    world_expect_nothing();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(static_object_initialised_twice),
        TEST(memory_that_is_reused_may_be_initialised_again),
        TEST(static_object_destroyed_in_between_may_be_initialised_again),
        TEST(initialised_again_while_held),
        TEST(use_without_initialisation),
        TEST(use_after_destroy),
        TEST(use_of_memory_that_was_statically_initialised_again),
        TEST(use_after_destroy_and_initialisation_is_silent),
        TEST(object_of_another_kind),
        TEST(check_of_the_kind),
        TEST(free_locks_may_be_destroyed),
        TEST(mutex_destroyed_while_held_lives_on),
        TEST(rwlock_destroyed_while_read),
        TEST(condition_destroyed_with_waiters),
        TEST(condition_destroyed_after_broadcast_is_silent),
        TEST(semaphore_destroyed_with_waiters),
        TEST(semaphore_destroyed_after_the_post_its_waiter_wakes_by_is_silent),
        TEST(barrier_destroyed_or_initialised_while_threads_are_inside),
        TEST(barrier_destroyed_before_all_have_left),
        TEST(barrier_made_anew_before_all_have_left),
        TEST(freed_memory_with_a_held_lock),
        TEST(freed_memory_with_a_free_or_destroyed_lock_is_silent),
        TEST(stack_popped_with_a_held_lock_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
