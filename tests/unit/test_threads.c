/* What threads know of one another (happens-before), and what of that the lock order may rely on (hand-over). */
#include "detector/thread.h"
#include "detector_world.h"

static const struct object_traits plain = {0};

/* Everything `earlier` did up to its latest release happened before what `later` does next. */
static bool ordered(int earlier, int later)
{
    const struct thread_clock *clock = &world_thread(earlier)->hb;
    return thread_clock_has_seen(&world_thread(later)->hb, clock->slot, clock->epoch - 1);
}

static void nested(int thread, int outer, int inner)
{
    world_lock(thread, world_mutex(outer));
    world_lock(thread, world_mutex(inner));
    world_unlock(thread, world_mutex(inner));
    world_unlock(thread, world_mutex(outer));
}

static void join(int thread, int target)
{
    world_end(target);
    detector_join_request(world.d, world_thread(thread), world_thread(target), false, world_at(1));
    detector_joined(world.d, world_thread(thread), world_thread(target));
}

static struct object *cond(void)
{
    return world_object(OBJECT_COND, 0, plain);
}

/* ---- happens-before ---- */

static void lock_orders_its_holders(void **state)
{
    (void)state;
    (void)world_thread(1);
    (void)world_thread(2);
    world_lock(1, world_mutex(0));
    world_unlock(1, world_mutex(0));
    assert_false(ordered(1, 2));
    world_lock(2, world_mutex(0));
    assert_true(ordered(1, 2));
    world_unlock(2, world_mutex(0));
    assert_false(ordered(2, 1));
}

static void order_is_transitive(void **state)
{
    (void)state;
    for (int i = 1; i < 5; i++)
        (void)world_thread(i);
    world_lock(1, world_mutex(0));
    world_unlock(1, world_mutex(0));
    for (int i = 2; i < 5; i++) {
        world_lock(i, world_mutex(i - 2));
        world_unlock(i, world_mutex(i - 2));
        world_lock(i, world_mutex(i - 1));
        world_unlock(i, world_mutex(i - 1));
    }
    assert_true(ordered(1, 4));
    assert_false(ordered(4, 1));
}

static void readers_are_not_ordered_but_the_writer_after_them_is(void **state)
{
    (void)state;
    struct object *l = world_object(OBJECT_RWLOCK, 0, plain);
    (void)world_thread(1), (void)world_thread(2), (void)world_thread(3);
    world_lock_shared(1, l);
    world_lock_shared(2, l);
    world_unlock(1, l);
    world_unlock(2, l);
    world_lock_shared(2, l);
    world_unlock(2, l);
    assert_false(ordered(1, 2));
    assert_false(ordered(2, 1));
    world_lock(3, l);
    assert_true(ordered(1, 3));
    assert_true(ordered(2, 3));
    world_unlock(3, l);
    world_lock_shared(1, l);
    assert_true(ordered(3, 1));
    world_unlock(1, l);
}

static void create_and_join_order(void **state)
{
    (void)state;
    (void)world_thread(1);
    assert_true(ordered(0, 1));
    world_lock(1, world_mutex(0));
    world_unlock(1, world_mutex(0));
    assert_false(ordered(1, 0));
    join(0, 1);
    assert_true(ordered(1, 0));
}

static void barrier_orders_everybody(void **state)
{
    (void)state;
    struct object *b = world_object(OBJECT_BARRIER, 0, (struct object_traits){.count = 3});
    for (int i = 1; i < 4; i++)
        (void)world_thread(i);
    for (int i = 1; i < 4; i++)
        detector_barrier_arrive(world.d, world_thread(i), b, world_at(1));
    for (int i = 1; i < 4; i++)
        detector_barrier_leave(world.d, world_thread(i), b);
    for (int i = 1; i < 4; i++)
        for (int j = 1; j < 4; j++)
            assert_true(ordered(i, j));
}

static void meet(struct object *b, int first, int last)
{
    for (int i = first; i <= last; i++)
        detector_barrier_arrive(world.d, world_thread(i), b, world_at(1));
}

static struct object *barrier(uint32_t parties, int threads)
{
    for (int i = 1; i <= threads; i++)
        (void)world_thread(i);
    return world_object(OBJECT_BARRIER, 0, (struct object_traits){.count = parties});
}

static void who_leaves_a_round_late_knows_nothing_of_the_next(void **state)
{
    (void)state;
    struct object *b = barrier(3, 3);
    for (int round = 0; round < 5; round++) {
        meet(b, 1, 3);
        detector_barrier_leave(world.d, world_thread(1), b);
        detector_barrier_leave(world.d, world_thread(2), b);
        world_lock(1, world_mutex(round));
        world_unlock(1, world_mutex(round));
        meet(b, 1, 2);
        detector_barrier_leave(world.d, world_thread(3), b);
        assert_false(ordered(1, 3));
        assert_false(ordered(2, 3));
        meet(b, 3, 3);
        for (int i = 1; i <= 3; i++)
            detector_barrier_leave(world.d, world_thread(i), b);
        assert_true(ordered(1, 3));
        assert_true(ordered(3, 1));
    }
}

/* Who is counted last in one round may be the first of the next for the barrier itself. */
static void with_more_threads_than_parties_all_that_have_arrived_come_first(void **state)
{
    (void)state;
    struct object *b = barrier(2, 4);
    meet(b, 1, 3);
    detector_barrier_leave(world.d, world_thread(1), b);
    assert_true(ordered(3, 1));
    detector_barrier_leave(world.d, world_thread(3), b);
    assert_true(ordered(1, 3));
    meet(b, 4, 4);
    detector_barrier_leave(world.d, world_thread(2), b);
    assert_true(ordered(4, 2));
}

static void rounds_of_a_barrier_that_was_in_use_before_are_not_told_apart(void **state)
{
    (void)state;
    (void)world_thread(1), (void)world_thread(2), (void)world_thread(3);
    struct object *b = object_adopt(world.d, world_thread(1), OBJECT_BARRIER, world_address(OBJECT_BARRIER, 0),
                                    &(struct object_traits){.count = 2}, world_at(1));
    meet(b, 1, 2);
    detector_barrier_leave(world.d, world_thread(1), b);
    meet(b, 3, 3);
    detector_barrier_leave(world.d, world_thread(2), b);
    assert_true(ordered(3, 2));
}

static void semaphore_condition_once_and_channel_order(void **state)
{
    (void)state;
    for (int i = 1; i < 6; i++)
        (void)world_thread(i);
    struct object *s = world_object(OBJECT_SEMAPHORE, 0, plain);
    world_sem_post(1, s);
    world_sem_wait(2, s);
    assert_true(ordered(1, 2));
    world_lock(3, world_mutex(0));
    detector_cond_wait(world.d, world_thread(3), cond(), world_mutex(0), false, world_at(1));
    detector_cond_signal(world.d, world_thread(2), cond(), false, world_at(1));
    detector_cond_woken(world.d, world_thread(3), cond(), world_mutex(0), true, false, world_at(1));
    assert_true(ordered(2, 3));
    struct object *once = world_object(OBJECT_ONCE, 0, plain);
    detector_once_begin(world.d, world_thread(3), once, world_at(1));
    detector_once_done(world.d, world_thread(3), once, false);
    detector_once_passed(world.d, world_thread(4), once);
    assert_true(ordered(3, 4));
    struct object *channel = world_object(OBJECT_FUTEX, 0, plain);
    detector_channel_send(world.d, world_thread(4), channel);
    detector_channel_receive(world.d, world_thread(5), channel);
    assert_true(ordered(4, 5));
    assert_true(ordered(1, 5));
}

static void wait_that_timed_out_orders_nothing(void **state)
{
    (void)state;
    (void)world_thread(1), (void)world_thread(2);
    world_lock(2, world_mutex(0));
    detector_cond_wait(world.d, world_thread(2), cond(), world_mutex(0), true, world_at(1));
    detector_cond_signal(world.d, world_thread(1), cond(), false, world_at(1));
    detector_cond_woken(world.d, world_thread(2), cond(), world_mutex(0), false, false, world_at(1));
    assert_false(ordered(1, 2));
}

/* ---- lock order through the detector ---- */

static void opposite_orders_are_found(void **state)
{
    (void)state;
    (void)world_thread(2);
    nested(1, 0, 1);
    world_expect_nothing();
    nested(2, 1, 0);
    assert_int_equal(world_expect_one(FINDING_LOCK_ORDER_INVERSION)->party_count, 2);
    nested(1, 0, 1);
    nested(2, 1, 0);
    world_expect_one(FINDING_LOCK_ORDER_INVERSION);
}

static void mutual_exclusion_is_no_excuse(void **state)
{
    (void)state;
    (void)world_thread(2);
    nested(1, 0, 1);
    nested(2, 2, 0); /* by mutex 0 everything of thread 1 happened before */
    nested(2, 1, 0);
    world_expect_one(FINDING_LOCK_ORDER_INVERSION);
}

static void orders_before_and_after_create_and_join_are_silent(void **state)
{
    (void)state;
    nested(0, 0, 1);
    nested(1, 1, 0);
    join(0, 1);
    nested(0, 0, 1);
    world_expect_nothing();
}

static void order_repeated_after_create_is_found(void **state)
{
    (void)state;
    nested(0, 0, 1);
    (void)world_thread(1);
    nested(0, 0, 1);
    nested(1, 1, 0);
    world_expect_one(FINDING_LOCK_ORDER_INVERSION);
}

static void order_repeated_after_it_was_excused_is_found(void **state)
{
    (void)state;
    nested(0, 0, 1);
    nested(1, 1, 0);
    world_expect_nothing();
    nested(0, 0, 1);
    world_expect_one(FINDING_LOCK_ORDER_INVERSION);
}

static void late_consumer_of_a_guarded_predicate_is_excused(void **state)
{
    (void)state;
    (void)world_thread(1), (void)world_thread(2);
    nested(1, 0, 1);
    world_lock(1, world_mutex(5));
    detector_cond_signal(world.d, world_thread(1), cond(), false, world_at(1));
    world_unlock(1, world_mutex(5));
    world_lock(2, world_mutex(5)); /* finds the predicate true and never waits */
    world_unlock(2, world_mutex(5));
    nested(2, 1, 0);
    world_expect_nothing();
    nested(1, 0, 1); /* after the signal: nothing hands this over */
    world_lock(2, world_mutex(5));
    world_unlock(2, world_mutex(5));
    nested(2, 1, 0);
    world_expect_one(FINDING_LOCK_ORDER_INVERSION);
}

static void hand_over_through_the_mutex_that_a_condition_is_known_by(void **state)
{
    (void)state;
    (void)world_thread(1), (void)world_thread(2), (void)world_thread(3);
    world_lock(3, world_mutex(5));
    detector_cond_wait(world.d, world_thread(3), cond(), world_mutex(5), false, world_at(1));
    nested(1, 0, 1);
    detector_cond_signal(world.d, world_thread(1), cond(), false, world_at(1)); /* holds nothing */
    world_lock(2, world_mutex(5));
    world_unlock(2, world_mutex(5));
    nested(2, 1, 0);
    world_expect_nothing();
}

static void posted_semaphore_hands_over(void **state)
{
    (void)state;
    struct object *s = world_object(OBJECT_SEMAPHORE, 0, plain);
    (void)world_thread(1), (void)world_thread(2);
    nested(1, 0, 1);
    world_sem_post(1, s);
    world_sem_wait(2, s);
    nested(2, 1, 0);
    world_expect_nothing();
}

static void semaphore_used_as_a_lock_takes_part_in_the_order(void **state)
{
    (void)state;
    struct object *s = world_object(OBJECT_SEMAPHORE, 0, (struct object_traits){.count = 1});
    (void)world_thread(2);
    world_lock(1, world_mutex(0));
    world_sem_wait(1, s);
    world_sem_post(1, s);
    world_unlock(1, world_mutex(0));
    world_sem_wait(2, s);
    world_lock(2, world_mutex(0));
    world_expect_one(FINDING_LOCK_ORDER_INVERSION);
}

static void semaphore_posted_by_another_leaves_the_order(void **state)
{
    (void)state;
    struct object *s = world_object(OBJECT_SEMAPHORE, 0, (struct object_traits){.count = 1});
    (void)world_thread(2), (void)world_thread(3);
    world_lock(1, world_mutex(0));
    world_sem_wait(1, s);
    world_unlock(1, world_mutex(0));
    world_sem_post(3, s);
    world_sem_wait(2, s);
    world_lock(2, world_mutex(0));
    world_expect_nothing();
}

static struct object *room_for(uint32_t count)
{
    return world_object(OBJECT_SEMAPHORE, 0, (struct object_traits){.count = count});
}

/* Each of four takes a unit of `s` and then two locks of a ring of four. */
static void dine(struct object *s)
{
    (void)world_thread(2), (void)world_thread(3), (void)world_thread(4);
    for (int i = 0; i < 4; i++) {
        world_sem_wait(1 + i, s);
        nested(1 + i, i, (i + 1) % 4);
        world_sem_post(1 + i, s);
    }
}

static void semaphore_that_lets_too_few_in_keeps_a_circle_open(void **state)
{
    (void)state;
    dine(room_for(3));
    world_expect_nothing();
}

static void semaphore_that_lets_all_in_does_not(void **state)
{
    (void)state;
    dine(room_for(4));
    world_expect_one(FINDING_LOCK_ORDER_INVERSION);
}

static void semaphore_still_keeps_out_when_one_comes_without(void **state)
{
    (void)state;
    dine(room_for(2));
    nested(4, 3, 0); /* three others are too many */
    world_expect_nothing();
}

static void semaphore_posted_by_one_who_holds_none_never_limited(void **state)
{
    (void)state;
    struct object *s = room_for(2);
    dine(s);
    world_sem_post(1, s);
    nested(4, 3, 0);
    world_expect_one(FINDING_LOCK_ORDER_INVERSION);
}

static void semaphore_taken_twice_by_one_thread_never_limited(void **state)
{
    (void)state;
    struct object *s = room_for(2);
    dine(s);
    world_sem_wait(1, s);
    world_sem_wait(1, s);
    world_lock(1, world_mutex(7)); /* what it held of the semaphore counts no more */
    nested(4, 3, 0);
    world_expect_one(FINDING_LOCK_ORDER_INVERSION);
}

static struct object *lock_like(int number)
{
    return world_object(OBJECT_SEMAPHORE, number, (struct object_traits){.count = 1});
}

/* The readers of Courtois, Heymans & Parnas: the first takes `room` under `mutex`, the last gives it back under it. */
static void read_through(int thread, struct object *mutex, struct object *room)
{
    world_sem_wait(thread, mutex);
    world_sem_wait(thread, room);
    world_sem_post(thread, mutex);
    world_sem_wait(thread, mutex);
    world_sem_post(thread, room);
    world_sem_post(thread, mutex);
}

static void semaphore_taken_and_left_under_one_mutex_is_a_light_switch(void **state)
{
    (void)state;
    struct object *mutex = lock_like(0), *room = lock_like(1);
    (void)world_thread(2);
    read_through(1, mutex, room);
    read_through(2, mutex, room);
    world_expect_nothing();
}

static void semaphore_taken_without_the_mutex_is_none(void **state)
{
    (void)state;
    struct object *mutex = lock_like(0), *room = lock_like(1);
    (void)world_thread(2);
    read_through(1, mutex, room);
    world_sem_wait(2, room);
    world_sem_wait(2, mutex);
    world_expect_one(FINDING_LOCK_ORDER_INVERSION);
}

static void tried_locks_are_held_but_never_wanted(void **state)
{
    (void)state;
    (void)world_thread(2);
    nested(1, 0, 1);
    world_lock(2, world_mutex(1));
    detector_lock_acquired(world.d, world_thread(2), world_mutex(0), LOCK_EXCLUSIVE, false, world_at(1)); /* try */
    world_unlock(2, world_mutex(0));
    world_unlock(2, world_mutex(1));
    world_expect_nothing();
    detector_lock_acquired(world.d, world_thread(2), world_mutex(1), LOCK_EXCLUSIVE, false, world_at(1)); /* try */
    world_lock(2, world_mutex(0));
    world_expect_one(FINDING_LOCK_ORDER_INVERSION);
}

static void waiting_again_for_the_mutex_of_a_condition_is_a_request(void **state)
{
    (void)state;
    (void)world_thread(2);
    world_lock(1, world_mutex(0));
    world_lock(1, world_mutex(1));
    detector_cond_wait(world.d, world_thread(1), cond(), world_mutex(0), false, world_at(1));
    detector_cond_woken(world.d, world_thread(1), cond(), world_mutex(0), false, false, world_at(1));
    world_unlock(1, world_mutex(0));
    world_unlock(1, world_mutex(1));
    nested(2, 0, 1);
    world_expect_one(FINDING_LOCK_ORDER_INVERSION);
}

static void destroyed_lock_takes_its_orders_along(void **state)
{
    (void)state;
    (void)world_thread(2);
    nested(1, 0, 1);
    object_destroy(world.d, world_thread(1), world_mutex(0), world_at(1));
    nested(2, 1, 0); /* a new generation at the same address */
    world_expect_nothing();
}

static void held_locks_have_no_limit(void **state)
{
    (void)state;
    enum { MANY = 2000 };
    for (int i = 0; i < MANY; i++)
        detector_lock_acquired(world.d, world_thread(1), world_mutex(i), LOCK_EXCLUSIVE, false, world_at(1));
    for (int i = 0; i < MANY; i++)
        world_unlock(1, world_mutex(i));
    assert_false(thread_holds_any(world_thread(1)));
    world_expect_nothing();
}

static void seats_are_used_again_without_confusion(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        nested(0, 0, 1);
        struct thread *t = world_thread(1 + i % 7);
        assert_int_equal(thread_identity(t).v, i + 2);
        join(0, 1 + i % 7);
        detector_thread_forget(world.d, t);
        world_forget(1 + i % 7);
    }
    world_expect_nothing();
    struct detector_counts counts;
    detector_counts(world.d, &counts);
    assert_int_equal(counts.threads, 201);
    assert_int_equal(counts.threads_live_max, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lock_orders_its_holders),
        TEST(order_is_transitive),
        TEST(readers_are_not_ordered_but_the_writer_after_them_is),
        TEST(create_and_join_order),
        TEST(barrier_orders_everybody),
        TEST(who_leaves_a_round_late_knows_nothing_of_the_next),
        TEST(with_more_threads_than_parties_all_that_have_arrived_come_first),
        TEST(rounds_of_a_barrier_that_was_in_use_before_are_not_told_apart),
        TEST(semaphore_condition_once_and_channel_order),
        TEST(wait_that_timed_out_orders_nothing),
        TEST(opposite_orders_are_found),
        TEST(mutual_exclusion_is_no_excuse),
        TEST(orders_before_and_after_create_and_join_are_silent),
        TEST(order_repeated_after_create_is_found),
        TEST(order_repeated_after_it_was_excused_is_found),
        TEST(late_consumer_of_a_guarded_predicate_is_excused),
        TEST(hand_over_through_the_mutex_that_a_condition_is_known_by),
        TEST(posted_semaphore_hands_over),
        TEST(semaphore_used_as_a_lock_takes_part_in_the_order),
        TEST(semaphore_posted_by_another_leaves_the_order),
        TEST(semaphore_that_lets_too_few_in_keeps_a_circle_open),
        TEST(semaphore_that_lets_all_in_does_not),
        TEST(semaphore_still_keeps_out_when_one_comes_without),
        TEST(semaphore_posted_by_one_who_holds_none_never_limited),
        TEST(semaphore_taken_twice_by_one_thread_never_limited),
        TEST(semaphore_taken_and_left_under_one_mutex_is_a_light_switch),
        TEST(semaphore_taken_without_the_mutex_is_none),
        TEST(tried_locks_are_held_but_never_wanted),
        TEST(waiting_again_for_the_mutex_of_a_condition_is_a_request),
        TEST(destroyed_lock_takes_its_orders_along),
        TEST(held_locks_have_no_limit),
        TEST(seats_are_used_again_without_confusion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
