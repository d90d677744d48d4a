/* The shared clocks against naive full vectors, with random threads and objects; and their memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "detector/clocks.h"
#include "malloc_host.h"

#define SLOTS  24
#define SYNCS  12
#define STEPS  20000
#define STAMPS 16

static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 33) % limit;
}

/* The simple model: each thread and each object has a full vector. */
struct naive {
    uint64_t seen[SLOTS];
};

struct twin {
    struct clock_pool pool;
    struct clock_spares spares[SLOTS];
    struct thread_clock thread[SLOTS];
    struct sync_clock sync[SYNCS];
    struct clock_stamp stamp[STAMPS];
    struct naive naive_thread[SLOTS], naive_sync[SYNCS], naive_stamp[STAMPS];
    uint32_t stamp_slot[STAMPS];
};

static void naive_join(struct naive *into, const struct naive *from)
{
    for (int i = 0; i < SLOTS; i++)
        into->seen[i] = into->seen[i] > from->seen[i] ? into->seen[i] : from->seen[i];
}

static void twin_init(struct twin *w)
{
    memset(w, 0, sizeof *w);
    clock_pool_init(&w->pool, &malloc_host);
    for (uint32_t i = 0; i < SLOTS; i++) {
        w->spares[i].pool = &w->pool;
        thread_clock_init(&w->thread[i], &w->spares[i], i, 1);
        w->naive_thread[i].seen[i] = 1;
    }
}

static void twin_delete(struct twin *w)
{
    for (int i = 0; i < SYNCS; i++)
        sync_clock_drop(&w->sync[i]);
    for (int i = 0; i < STAMPS; i++)
        clock_stamp_drop(&w->stamp[i]);
    for (int i = 0; i < SLOTS; i++) {
        thread_clock_drop(&w->thread[i]);
        clock_spares_return(&w->spares[i]);
    }
    clock_pool_delete(&w->pool);
}

static void step_acquire(struct twin *w, uint32_t t, uint32_t s)
{
    thread_clock_acquire(&w->thread[t], &w->sync[s]);
    naive_join(&w->naive_thread[t], &w->naive_sync[s]);
}

/* An exclusive object is acquired before it is released. */
static void step_release(struct twin *w, uint32_t t, uint32_t s)
{
    step_acquire(w, t, s);
    thread_clock_release(&w->thread[t], &w->sync[s]);
    naive_join(&w->naive_sync[s], &w->naive_thread[t]);
    w->naive_thread[t].seen[t]++;
}

static void step_release_join(struct twin *w, uint32_t t, uint32_t s)
{
    thread_clock_release_join(&w->thread[t], &w->sync[s]);
    naive_join(&w->naive_sync[s], &w->naive_thread[t]);
    w->naive_thread[t].seen[t]++;
}

static void step_send(struct twin *w, uint32_t t, uint32_t other)
{
    struct clock_stamp stamp = thread_clock_send(&w->thread[t]);
    thread_clock_receive(&w->thread[other], &stamp);
    naive_join(&w->naive_thread[other], &w->naive_thread[t]);
    w->naive_thread[t].seen[t]++;
}

static void step_stamp(struct twin *w, uint32_t t, uint32_t i)
{
    struct clock_stamp stamp = thread_clock_stamp(&w->thread[t]);
    clock_stamp_assign(&w->stamp[i], &stamp);
    w->naive_stamp[i] = w->naive_thread[t];
    w->stamp_slot[i] = t;
}

static void step(struct twin *w)
{
    uint32_t t = random_below(SLOTS), other = (t + 1 + random_below(SLOTS - 1)) % SLOTS, s = random_below(SYNCS);
    switch (random_below(6)) {
    case 0:
        step_acquire(w, t, s);
        break;
    case 1:
    case 2:
        step_release(w, t, s);
        break;
    case 3:
        step_release_join(w, t, s);
        break;
    case 4:
        step_send(w, t, other);
        break;
    default:
        step_stamp(w, t, random_below(STAMPS));
        break;
    }
}

static bool threads_agree(const struct twin *w)
{
    for (uint32_t t = 0; t < SLOTS; t++) {
        for (uint32_t i = 0; i < SLOTS; i++) {
            uint64_t real = i == t ? w->thread[t].epoch : clock_snapshot_epoch(w->thread[t].seen, i);
            if (real != w->naive_thread[t].seen[i]) {
                print_message("thread %u knows %lu of %u, should know %lu\n", t, (unsigned long)real, i,
                              (unsigned long)w->naive_thread[t].seen[i]);
                return false;
            }
        }
    }
    return true;
}

static bool stamps_agree(const struct twin *w)
{
    for (uint32_t a = 0; a < STAMPS; a++) {
        for (uint32_t b = 0; b < STAMPS; b++) {
            uint64_t epoch = w->naive_stamp[a].seen[w->stamp_slot[a]];
            bool should = epoch <= w->naive_stamp[b].seen[w->stamp_slot[a]];
            if (clock_stamp_before(&w->stamp[a], &w->stamp[b]) != should)
                return false;
        }
    }
    return true;
}

static void clocks_agree_with_full_vectors(void **state)
{
    (void)state;
    const char *given = getenv("LOCKHOUND_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    print_message("seed %lu (LOCKHOUND_TEST_SEED repeats it)\n", (unsigned long)seed);
    random_state = seed * 2654435761u + 88172645463325252u;
    struct twin *w = calloc(1, sizeof *w);
    twin_init(w);
    for (int i = 0; i < STAMPS; i++)
        step_stamp(w, random_below(SLOTS), (uint32_t)i);
    for (int i = 0; i < STEPS; i++) {
        step(w);
        if (i % 16 == 0) {
            assert_true(threads_agree(w));
            assert_true(stamps_agree(w));
        }
    }
    twin_delete(w);
    free(w);
    assert_int_equal(malloc_host_bytes(), 0);
}

static void same_thread_again_allocates_nothing(void **state)
{
    (void)state;
    struct twin *w = calloc(1, sizeof *w);
    twin_init(w);
    step_release(w, 1, 0);
    step_release(w, 0, 0); /* has seen another thread, so that a snapshot is shared */
    size_t before = malloc_host_bytes();
    malloc_host_limit(0);
    const struct clock_snapshot *shared = w->sync[0].seen;
    for (int i = 0; i < 1000; i++) {
        step_release(w, 0, 0);
        assert_ptr_equal(w->sync[0].seen, shared);
        assert_int_equal(relaxed_load(&shared->users), 2);
    }
    malloc_host_limit(SIZE_MAX);
    assert_int_equal(malloc_host_bytes(), before);
    assert_true(threads_agree(w));
    twin_delete(w);
    free(w);
}

static void joined_content_is_taken_in_once(void **state)
{
    (void)state;
    struct twin *w = calloc(1, sizeof *w);
    twin_init(w);
    step_release_join(w, 1, 0);
    step_release_join(w, 2, 0);
    assert_false(thread_clock_has_absorbed(&w->thread[3], &w->sync[0]));
    step_acquire(w, 3, 0);
    assert_true(thread_clock_has_absorbed(&w->thread[3], &w->sync[0]));
    step_release_join(w, 1, 0);
    assert_false(thread_clock_has_absorbed(&w->thread[3], &w->sync[0]));
    step_acquire(w, 3, 0);
    assert_true(threads_agree(w));
    twin_delete(w);
    free(w);
}

static void out_of_memory_loses_order_and_says_so(void **state)
{
    (void)state;
    struct twin *w = calloc(1, sizeof *w);
    twin_init(w);
    malloc_host_limit(0);
    step_send(w, 1, 0);
    malloc_host_limit(SIZE_MAX);
    assert_false(thread_clock_has_seen(&w->thread[0], 1, 1));
    assert_int_equal(relaxed_load(&w->pool.lost), 1);
    twin_delete(w);
    free(w);
}

static void a_slot_used_again_looks_older_never_newer(void **state)
{
    (void)state;
    struct twin *w = calloc(1, sizeof *w);
    twin_init(w);
    step_stamp(w, 1, 0); /* of the first life of slot 1 */
    step_send(w, 1, 0);
    uint64_t last = w->thread[1].epoch;
    thread_clock_drop(&w->thread[1]);
    thread_clock_init(&w->thread[1], &w->spares[1], 1, last + 1);
    struct clock_stamp now = thread_clock_stamp(&w->thread[0]), new_life = thread_clock_stamp(&w->thread[1]);
    assert_true(clock_stamp_before(&w->stamp[0], &now));
    assert_false(clock_stamp_before(&new_life, &now));
    twin_delete(w);
    free(w);
}

/* All that another thread has seen, or had seen as it ended, and nothing of itself. */
static void what_is_overheard_is_what_was_seen(void **state)
{
    (void)state;
    struct twin *w = calloc(1, sizeof *w);
    twin_init(w);
    for (uint32_t i = 0; i < 400; i++) {
        uint32_t t = 1 + random_below(4);
        step_send(w, t, t % 4 + 1);
    }
    struct thread_clock kept = {.seen = NULL};
    thread_clock_keep(&kept, &w->thread[1]);
    const struct thread_clock *const others[] = {&w->thread[1], &kept};
    for (size_t i = 0; i < 2; i++) {
        struct clock_stamp all;
        assert_true(thread_clock_overhear(&w->thread[0], others[i], &all));
        assert_true(all.slot == 1 && all.epoch == 0);
        for (uint32_t slot = 2; slot < SLOTS; slot++)
            assert_int_equal(clock_snapshot_epoch(all.seen, slot), w->naive_thread[1].seen[slot]);
        clock_stamp_drop(&all);
    }
    thread_clock_keep(&kept, &w->thread[4]);
    twin_delete(w);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_agree_with_full_vectors),
        cmocka_unit_test(same_thread_again_allocates_nothing),
        cmocka_unit_test(joined_content_is_taken_in_once),
        cmocka_unit_test(out_of_memory_loses_order_and_says_so),
        cmocka_unit_test(a_slot_used_again_looks_older_never_newer),
        cmocka_unit_test(what_is_overheard_is_what_was_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
