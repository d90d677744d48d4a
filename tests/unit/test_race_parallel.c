/* The race engine under real threads, whose accesses are ordered by real locks and atomics: no race is reported, also while
 * planes are renumbered, chunks change hands and memory is used anew.  And a race that is there is found. */
#include "detector_world.h"

#include <stdlib.h>
#include <string.h>

#include "detector/state.h"
#include "parallel_world.h"
#include "race_world.h"

enum { THREADS = PARALLEL_THREADS, LOCKS = 4, STEPS = 40000, SHARED_BYTES = 4096, MEETINGS = 4000 };

#define SHARED UINT64_C(0x7f2000000f80)
#define OWN(t) (SHARED + 0x10000 + 4u * (uint64_t)(t)) /* neighbours in the same chunks */
#define FLAGS  (SHARED + 0x20000)

/* What threads meet by has 64 bytes for each meeting: how many have come, whether all may go, and what each has left there. */
#define MEETING(i)   (SHARED + 0x100000 + 64u * (uint64_t)(i))
#define COME(i)      (MEETING(i))
#define OPEN(i)      (MEETING(i) + 8)
#define LEFT(i, who) (MEETING(i) + 16 + 8u * (uint64_t)(who))

static atomic_int real_flag;
static atomic_int real_come[MEETINGS], real_open[MEETINGS];
static struct race_plane plane[THREADS + 1];
static struct race_engine *engine;

static int set_up_as(bool hybrid)
{
    struct detector_options options;
    detector_options_default(&options);
    options.hybrid_races = hybrid;
    parallel_world_start(&options);
    race_world_start(parallel.d);
    engine = race_world.engine;
    for (int i = 0; i <= THREADS; i++) {
        race_world_map(&plane[i], (uint32_t)i + 1);
        assert_true(race_plane_begin(engine, &plane[i], parallel.thread[i]));
    }
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    return set_up_as(false);
}

static int set_up_hybrid(void **state)
{
    (void)state;
    return set_up_as(true);
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i <= THREADS; i++)
        race_plane_end(engine, &plane[i], 0, 0);
    parallel_world_forget_threads();
    for (int i = 0; i <= THREADS; i++)
        race_world_unmap(&plane[i]);
    race_world_stop();
    parallel_world_stop();
    return 0;
}

static void run_threads(void *(*body)(void *))
{
    void *args[THREADS];
    for (int i = 0; i < THREADS; i++)
        args[i] = &plane[i + 1];
    parallel_world_run(body, args, THREADS);
}

static void take(struct race_plane *p, int i)
{
    race_settle(engine, p);
    detector_lock_request(parallel.d, p->thread, parallel.mutex[i], LOCK_EXCLUSIVE, false, world_at(1));
    pthread_mutex_lock(&parallel.real_mutex[i]);
    detector_lock_acquired(parallel.d, p->thread, parallel.mutex[i], LOCK_EXCLUSIVE, false, world_at(1));
    race_plane_advance(engine, p);
}

static void leave(struct race_plane *p, int i)
{
    race_settle(engine, p);
    detector_lock_released(parallel.d, p->thread, parallel.mutex[i], world_at(1));
    race_plane_advance(engine, p);
    pthread_mutex_unlock(&parallel.real_mutex[i]);
}

/* Stripe `i` of the shared bytes is guarded by lock `i`; stripes of 16 bytes alternate, so that they share chunks. */
static uint64_t guarded(unsigned *seed, int i)
{
    uint64_t stripe = (uint64_t)rand_r(seed) % (SHARED_BYTES / 16 / LOCKS) * LOCKS + (uint64_t)i;
    return SHARED + stripe * 16 + (uint64_t)rand_r(seed) % 9;
}

static void use_guarded(struct race_plane *p, unsigned *seed)
{
    int i = rand_r(seed) % LOCKS;
    take(p, i);
    for (int k = rand_r(seed) % 6; k >= 0; k--) {
        (void)race_world_access_of(engine, p, guarded(seed, i), 1 + (uint64_t)rand_r(seed) % 8,
                                   rand_r(seed) % 2 == 0 ? RACE_WRITE : 0);
    }
    if (rand_r(seed) % 64 == 0) {
        uint64_t at = guarded(seed, i) & ~(uint64_t)15; /* freed and allocated anew */
        race_range_fresh(engine, p, at, at + 16);
    }
    leave(p, i);
}

/* A spinlock: taken by an exchange, given back by a plain store. */
static void use_spinlock(struct race_plane *p)
{
    int expected;
    do {
        expected = 0;
        race_atomic_before(engine, p, FLAGS, 4, ORDER_SEQ_CST);
        bool taken = atomic_compare_exchange_strong(&real_flag, &expected, 1);
        race_atomic_after(engine, p, FLAGS, 4, ORDER_SEQ_CST);
        if (taken)
            break;
        sched_yield();
    } while (true);
    (void)race_world_access_of(engine, p, FLAGS + 64, 8, RACE_WRITE);
    (void)race_world_access_of(engine, p, FLAGS, 4, RACE_WRITE);
    atomic_store(&real_flag, 0);
}

static void *ordered(void *arg)
{
    struct race_plane *p = arg;
    unsigned seed = p->number * 77;
    for (int i = 0; i < STEPS; i++) {
        switch (rand_r(&seed) % 4) {
        case 0:
            use_guarded(p, &seed);
            break;
        case 1:
            use_spinlock(p);
            break;
        default:
            (void)race_world_access_of(engine, p, OWN(p->number) + 64u * (uint64_t)(rand_r(&seed) % 32), 4,
                                       rand_r(&seed) % 2 == 0 ? RACE_WRITE : 0);
        }
    }
    return NULL;
}

static void what_locks_and_atomics_order_does_not_race(void **state)
{
    (void)state;
    run_threads(ordered);
    assert_int_equal(atomic_load(&parallel.found[FINDING_DATA_RACE]), 0);
    const struct race_counts counts = race_world_counts();
    assert_true(counts.renumberings > 0 && counts.chunks_shared > 0);
}

static void *unordered(void *arg)
{
    struct race_plane *p = arg;
    unsigned seed = p->number;
    for (int i = 0; i < STEPS / 10; i++) {
        use_guarded(p, &seed);
        (void)race_world_access_of(engine, p, SHARED + 0x30000, 4, RACE_WRITE);
    }
    return NULL;
}

static void what_nothing_orders_races(void **state)
{
    (void)state;
    run_threads(unordered);
    assert_true(atomic_load(&parallel.found[FINDING_DATA_RACE]) > 0);
}

/* One writes, and then renumbers its tags again and again; another one reads what it wrote, which is not to get lost in that. */
static atomic_int writer_state, races_met;
static atomic_bool overheard;

static void *renumber_what_others_read(void *arg)
{
    enum { WROTE = 1, READ = 2 };
    struct race_plane *p = arg;
    bool writes = p->number == 2;
    if (p->number > 3)
        return NULL;
    while (!writes && atomic_load(&writer_state) != WROTE)
        sched_yield();
    for (int i = 0; i < MEETINGS; i++) {
        bool met = race_world_access_of(engine, p, MEETING(4 * i), 8, writes ? RACE_WRITE : 0);
        atomic_fetch_add(&races_met, met);
    }
    atomic_store(&writer_state, writes ? WROTE : READ);
    for (int i = 0; writes && atomic_load(&writer_state) != READ; i++) {
        take(p, 0);
        (void)race_world_access_of(engine, p, OWN(p->number) + 0x400u * (unsigned)(i % 64), 4, RACE_WRITE);
        leave(p, 0);
    }
    return NULL;
}

static void what_is_renumbered_meanwhile_races(void **state)
{
    (void)state;
    atomic_store(&writer_state, 0);
    atomic_store(&races_met, 0);
    run_threads(renumber_what_others_read);
    assert_int_equal(atomic_load(&races_met), MEETINGS);
}

/* One clock takes in what a second has seen of a third, again and again; what is overheard of it meanwhile holds together: whoever
 * has seen the second has seen the third. */
enum { SLOT_OF_THIRD = 1, SLOT_OF_TAKER = 2, SLOT_OF_SECOND = 60 };
static struct clock_spares taker_spares, listener_spares;
static struct thread_clock taker, listener;

static void *take_in_all_the_time(void *unused)
{
    struct thread_clock second, third;
    thread_clock_init(&second, &taker_spares, SLOT_OF_SECOND, 1);
    thread_clock_init(&third, &taker_spares, SLOT_OF_THIRD, 1);
    for (int i = 0; i < 100 * MEETINGS || !atomic_load(&overheard); i++) {
        struct clock_stamp stamp = thread_clock_send(&third);
        thread_clock_receive(&second, &stamp);
        stamp = thread_clock_send(&second);
        thread_clock_receive(&taker, &stamp);
    }
    atomic_store(&writer_state, 1);
    thread_clock_drop(&second);
    thread_clock_drop(&third);
    return unused;
}

static void *listen(void *unused)
{
    while (atomic_load(&writer_state) == 0) {
        struct clock_stamp all;
        if (thread_clock_overhear(&listener, &taker, &all)) {
            atomic_fetch_add(&races_met, clock_snapshot_epoch(all.seen, SLOT_OF_THIRD) <
                                             clock_snapshot_epoch(all.seen, SLOT_OF_SECOND));
            clock_stamp_drop(&all);
            atomic_store(&overheard, true);
        }
    }
    return unused;
}

static void what_is_overheard_holds_together(void **state)
{
    (void)state;
    pthread_t threads[2];
    atomic_store(&writer_state, 0);
    atomic_store(&races_met, 0);
    atomic_store(&overheard, false);
    taker_spares = listener_spares = (struct clock_spares){.pool = &parallel.d->clocks};
    thread_clock_init(&taker, &taker_spares, SLOT_OF_TAKER, 1);
    thread_clock_init(&listener, &listener_spares, 3, 1);
    assert_int_equal(pthread_create(&threads[0], NULL, take_in_all_the_time, NULL), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, listen, NULL), 0);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    thread_clock_drop(&taker);
    clock_spares_return(&taker_spares);
    clock_spares_return(&listener_spares);
    assert_int_equal(atomic_load(&races_met), 0);
}

/* A load that decides, in woven code: what the thread has looked at in this epoch is not looked at again. */
static int load_deciding(struct race_plane *p, uint64_t address, const atomic_int *real)
{
    int value = atomic_load(real);
    const volatile uint8_t *tag = &p->tags[address & p->window];
    if ((*tag & 0xfe) != (p->write_tag & 0xfe))
        (void)race_world_access_of(engine, p, address, 4, 0);
    return value;
}

/* A read-modify-write.  Returns: what was there. */
static int add_one(struct race_plane *p, uint64_t address, atomic_int *real)
{
    race_atomic_before(engine, p, address, 4, ORDER_SEQ_CST);
    int before = atomic_fetch_add(real, 1);
    race_atomic_after(engine, p, address, 4, ORDER_SEQ_CST);
    return before;
}

static void *meet(void *arg)
{
    struct race_plane *p = arg;
    int me = (int)p->number - 2;
    for (int i = 0; i < MEETINGS; i++) {
        (void)race_world_access_of(engine, p, LEFT(i, me), 8, RACE_WRITE);
        bool opens = i % THREADS == me;
        if (opens) {
            while (load_deciding(p, COME(i), &real_come[i]) < THREADS - 1)
                sched_yield();
            add_one(p, OPEN(i), &real_open[i]);
        } else {
            add_one(p, COME(i), &real_come[i]);
            while (load_deciding(p, OPEN(i), &real_open[i]) == 0)
                sched_yield();
        }
        (void)race_world_access_of(engine, p, LEFT(i, (me + 1) % THREADS), 8, 0);
    }
    return NULL;
}

/* Each address is one that others look at, by plain loads, until it becomes an atomic one. */
static void what_becomes_atomic_under_a_waiting_thread_hands_over(void **state)
{
    (void)state;
    memset(real_come, 0, sizeof real_come);
    memset(real_open, 0, sizeof real_open);
    run_threads(meet);
    assert_int_equal(atomic_load(&parallel.found[FINDING_DATA_RACE]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_locks_and_atomics_order_does_not_race, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_nothing_orders_races, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_renumbered_meanwhile_races, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_overheard_holds_together, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_becomes_atomic_under_a_waiting_thread_hands_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_locks_and_atomics_order_does_not_race, set_up_hybrid, tear_down),
        cmocka_unit_test_setup_teardown(what_nothing_orders_races, set_up_hybrid, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
