/* Random traces through the race engine and through a naive twin: full vector clocks, and for each byte the last read and
 * the last write of every thread.  Every race that the engine reports is one of the twin's; and as long as the engine gave
 * up no history (no renumbering, no alias, no set dropped) it reports at every access at which the twin sees a race.  Where
 * windows are small and addresses share places, a check like that of woven code stands before each access. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "race_world.h"

enum { THREADS = 6, MUTEXES = 3, SYNCS = 4, REGION = 1536, ROUNDS = 60 };

#define BASE  UINT64_C(0x7f12345fff00) /* the region spans pages */
#define OTHER (BASE + (UINT64_C(1) << 33))

struct clock {
    unsigned v[THREADS];
};

struct twin {
    struct clock thread[THREADS], mutex[MUTEXES], sync[SYNCS];
    unsigned read[2][REGION][THREADS], wrote[2][REGION][THREADS];
    bool owes[THREADS][SYNCS];
    int holder[MUTEXES], holds[THREADS];
};

static struct twin twin;
static uint64_t seed;

static unsigned pick(unsigned below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % below;
}

static void join(struct clock *to, const struct clock *from)
{
    for (int i = 0; i < THREADS; i++)
        to->v[i] = to->v[i] > from->v[i] ? to->v[i] : from->v[i];
}

/* ---- the twin --------------------------------------------------------------------------------------------------- */

/* Offsets of the sync words: two share a chunk with plain bytes, one is near a chunk's end. */
static const unsigned sync_at[SYNCS] = {64, 72, 0x3f8, 0x500};

static void twin_settle(int t)
{
    for (int s = 0; s < SYNCS; s++) {
        if (twin.owes[t][s]) {
            join(&twin.thread[t], &twin.sync[s]);
            twin.owes[t][s] = false;
        }
    }
}

static void twin_release(int t, struct clock *to)
{
    join(to, &twin.thread[t]);
    twin.thread[t].v[t]++;
}

/* Returns: the sync word that the bytes of one granule touch, or -1. */
static int sync_of(unsigned at, unsigned size)
{
    for (int s = 0; s < SYNCS; s++)
        if (at < sync_at[s] + 4 && sync_at[s] < at + size)
            return s;
    return -1;
}

static bool twin_byte(int t, int half, unsigned at, bool writes)
{
    bool race = false;
    for (int o = 0; o < THREADS; o++) {
        unsigned read = twin.read[half][at][o], wrote = twin.wrote[half][at][o], seen = twin.thread[t].v[o];
        race |= o != t && (wrote > seen || (writes && read > seen));
    }
    *(writes ? &twin.wrote[half][at][t] : &twin.read[half][at][t]) = twin.thread[t].v[t];
    return race;
}

static bool twin_access(int t, int half, unsigned at, unsigned size, bool writes)
{
    bool race = false;
    twin_settle(t);
    for (unsigned end = at + size, next; at < end; at = next) {
        next = (at | 7) + 1;
        next = next < end ? next : end;
        int s = half == 0 ? sync_of(at, next - at) : -1;
        if (s >= 0 && writes) {
            twin_release(t, &twin.sync[s]);
        } else if (s >= 0) {
            join(&twin.thread[t], &twin.sync[s]);
            twin.owes[t][s] = true;
        }
        for (; s < 0 && at < next; at++)
            race |= twin_byte(t, half, at, writes);
    }
    return race;
}

/* ---- both ------------------------------------------------------------------------------------------------------- */

static uint64_t seed_of_round;
static bool checks_in_line; /* what is owed is settled later then, so that a race may be missed */
static unsigned long races, missed, accesses;

static bool has_given_up(void)
{
    const struct race_counts counts = race_world_counts();
    return counts.renumberings + counts.history_dropped > 0;
}

/* Returns: whether the thread's tags say that it has done this in this epoch. */
static bool is_hit(int t, uint64_t address, unsigned size, bool writes)
{
    const struct race_plane *plane = race_world_plane(t);
    for (unsigned i = 0; i < size; i++)
        if ((plane->tags[race_place(plane, address + i)] | !writes) != plane->write_tag)
            return false;
    return true;
}

static void access_both(int t, int half, unsigned at, unsigned size, bool writes)
{
    bool wanted = twin_access(t, half, at, size, writes);
    uint64_t address = (half == 0 ? BASE : OTHER) + at;
    bool hits = checks_in_line && is_hit(t, address, size, writes);
    bool found = !hits && race_world_access(t, address, size, writes ? RACE_WRITE : 0);
    world.found_count = 0;
    accesses++;
    races += found;
    missed += wanted && !found;
    if ((found && !wanted) || (wanted && !found && !checks_in_line && !has_given_up())) {
        print_message("seed 0x%llx: thread %d %s %u bytes at +%u: %s\n", (unsigned long long)seed_of_round, t,
                      writes ? "writes" : "reads", size, at, found ? "no race, but reported" : "race not reported");
        fail();
    }
}

static void exchange_both(int t, int s)
{
    twin_settle(t);
    twin_release(t, &twin.sync[s]);
    join(&twin.thread[t], &twin.sync[s]);
    race_world_exchange(t, BASE + sync_at[s]);
}

static void mutex_both(int t)
{
    twin_settle(t);
    race_settle(race_world.engine, race_world_plane(t));
    int m = twin.holds[t];
    if (m >= 0) {
        race_world_unlock(t, m);
        twin.mutex[m] = twin.thread[t];
        twin.thread[t].v[t]++;
        twin.holds[t] = twin.holder[m] = -1;
        return;
    }
    m = (int)pick(MUTEXES);
    if (twin.holder[m] < 0) {
        race_world_lock(t, m);
        join(&twin.thread[t], &twin.mutex[m]);
        twin.holds[t] = m;
        twin.holder[m] = t;
    }
}

static void fresh_both(int t, int half)
{
    unsigned low = pick(REGION), high = low + pick(600);
    high = high < REGION ? high : REGION;
    for (int s = 0; s < SYNCS; s++)
        if (low < sync_at[s] + 8 && sync_at[s] < high)
            return;
    uint64_t base = half == 0 ? BASE : OTHER;
    race_range_fresh(race_world.engine, race_world_plane(t), base + low, base + high);
    for (unsigned at = low; at < high; at++) {
        memset(twin.read[half][at], 0, sizeof twin.read[half][at]);
        memset(twin.wrote[half][at], 0, sizeof twin.wrote[half][at]);
    }
}

static unsigned pick_size(void)
{
    static const unsigned usual[] = {1, 1, 2, 4, 4, 8, 8, 16};
    return pick(40) == 0 ? 1 + pick(700) : usual[pick(8)];
}

static void step(bool has_aliases, unsigned locality)
{
    int t = (int)pick(THREADS);
    unsigned what = pick(100);
    int half = has_aliases && pick(10) == 0 ? 1 : 0;
    if (what < 15) {
        mutex_both(t);
    } else if (what < 18) {
        exchange_both(t, (int)pick(SYNCS));
    } else if (what < 19) {
        fresh_both(t, half);
    } else {
        unsigned size = pick_size();
        /* each thread stays mostly with bytes of its own, or all would race at once */
        unsigned at = pick(locality) != 0 ? (unsigned)t * 8 + 48 * pick(REGION / 48) : pick(REGION);
        if (at + size <= REGION)
            access_both(t, half, at, size, pick(3) == 0);
    }
}

static void begin(void)
{
    memset(&twin, 0, sizeof twin);
    for (int t = 0; t < THREADS; t++) {
        twin.thread[t].v[t] = 1;
        twin.holds[t] = -1;
        race_world_plane(t);
    }
    memset(twin.holder, 0xff, sizeof twin.holder);
    for (int s = 0; s < SYNCS; s++)
        exchange_both(0, s);
}

static void rounds(unsigned steps, bool has_aliases)
{
    races = missed = accesses = 0;
    for (int i = 0; i < ROUNDS; i++) {
        seed_of_round = seed;
        assert_int_equal(race_world_setup(NULL), 0);
        begin();
        for (unsigned k = 0; k < steps; k++)
            step(has_aliases, 2 + (unsigned)i % 30);
        assert_int_equal(race_world_teardown(NULL), 0);
    }
    print_message("%lu accesses, %lu races found, %lu not\n", accesses, races, missed);
    assert_true(races > 0);
}

static void short_traces_agree(void **state)
{
    (void)state;
    rounds(600, false);
    assert_true(missed * 20 < races);
}

static void long_traces_report_no_false_race(void **state)
{
    (void)state;
    rounds(12000, false);
}

static void aliases_report_no_false_race(void **state)
{
    (void)state;
    rounds(2000, true);
}

static void small_windows_report_no_false_race(void **state)
{
    (void)state;
    for (race_world_bits = RACE_WINDOW_LEAST; race_world_bits <= 24; race_world_bits++) {
        checks_in_line = false;
        rounds(600, false);
        checks_in_line = true;
        rounds(2000, true);
    }
    checks_in_line = false;
    race_world_bits = 32;
}

int main(int argc, char **argv)
{
    seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL) * UINT64_C(2654435761);
    printf("seed 0x%llx\n", (unsigned long long)seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_traces_agree),
        cmocka_unit_test(long_traces_report_no_false_race),
        cmocka_unit_test(aliases_report_no_false_race),
        cmocka_unit_test(small_windows_report_no_false_race),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
