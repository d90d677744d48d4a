/* test_lock_order_random.c: the lock-order engine against the definition, on random programs.
 *
 *   random program --+--> world --> lock_order            --> findings
 *                    +--> every occurrence, kept for ever --> all valid cycles by enumeration
 *
 * Checked after each request: what was reported is valid by the definition; each valid cycle of two locks has been
 * reported; and in programs without hand-over (where kept evidence cannot matter) so have the shortest that a new
 * dependency closes, of any length.
 * Usage: test_lock_order_random [SEED [RUNS]], or ORDER_SEED and ORDER_RUNS in the environment.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "order_world.h"

enum { MAX_LOCKS = 6, MAX_THREADS = 5, STEPS = 70, MAX_OCCURRENCES = STEPS, MAX_SETS = 4096, DEFAULT_RUNS = 1500 };

/* A lock as it was requested once, with all that the definition asks. */
struct occurrence {
    uint32_t thread, wanted;
    enum lock_mode mode;
    struct held_lock held[MAX_LOCKS];
    size_t held_count;
    uint64_t clock[MAX_THREADS + 1];
};

/* A set of wanted locks, as a sorted list. */
struct lock_set {
    size_t count;
    uint32_t locks[MAX_THREADS];
};

struct set_list {
    struct lock_set sets[MAX_SETS];
    size_t count;
};

static struct world w;
static struct occurrence occurrences[MAX_OCCURRENCES];
static size_t occurrence_count;
static struct set_list reported, valid;
static uint32_t lock_ids[MAX_LOCKS]; /* the live generation of each lock */
static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
    random_state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    uint64_t x = random_state;
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((x ^ (x >> 31)) >> 32) % limit;
}

/* ---- sets --------------------------------------------------------------------------------------------------------- */

static bool set_list_has(const struct set_list *list, const struct lock_set *set)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->sets[i].count == set->count &&
            memcmp(list->sets[i].locks, set->locks, set->count * sizeof set->locks[0]) == 0)
            return true;
    return false;
}

static void set_list_add(struct set_list *list, const struct lock_set *set)
{
    if (set_list_has(list, set))
        return;
    if (list->count == MAX_SETS)
        abort();
    list->sets[list->count++] = *set;
}

static void lock_set_add(struct lock_set *set, uint32_t lock)
{
    size_t i = set->count++;
    for (; i > 0 && set->locks[i - 1] > lock; i--)
        set->locks[i] = set->locks[i - 1];
    set->locks[i] = lock;
}

/* ---- the definition ----------------------------------------------------------------------------------------------- */

static const struct held_lock *naive_held(const struct occurrence *o, uint32_t lock)
{
    for (size_t i = 0; i < o->held_count; i++)
        if (o->held[i].object.id.v == lock)
            return &o->held[i];
    return NULL;
}

static bool naive_link(const struct occurrence *wants, const struct occurrence *holds)
{
    const struct held_lock *held = naive_held(holds, wants->wanted);
    return held && (wants->mode == LOCK_EXCLUSIVE || held->mode == LOCK_EXCLUSIVE || w.prefers_writers);
}

static bool naive_compatible(const struct occurrence *a, const struct occurrence *b)
{
    if (a->thread == b->thread || a->wanted == b->wanted)
        return false;
    if (a->clock[a->thread] <= b->clock[a->thread] || b->clock[b->thread] <= a->clock[b->thread])
        return false;
    for (size_t i = 0; i < a->held_count; i++) {
        const struct held_lock *other = naive_held(b, a->held[i].object.id.v);
        if (other && (other->mode == LOCK_EXCLUSIVE || a->held[i].mode == LOCK_EXCLUSIVE))
            return false;
    }
    return true;
}

static bool naive_taken_under(const struct occurrence *holds, uint32_t link, uint32_t lock)
{
    const struct object_id *under = naive_held(holds, link)->taken_under;
    for (size_t i = 0; i < TAKEN_UNDER_MOST; i++)
        if (under[i].v == lock)
            return true;
    return false;
}

/* Tries every order in which the members may have taken what the member before wants, given those that have. */
static bool naive_takeable(const struct occurrence **chain, size_t length, uint32_t done)
{
    bool found = done == (1u << length) - 1;
    for (size_t i = 0; i < length && !found; i++) {
        bool fits = !(done >> i & 1);
        for (size_t k = 0; fits && k < length; k++)
            fits = !(done >> k & 1) || !naive_taken_under(chain[i], chain[(i + length - 1) % length]->wanted,
                                                          chain[(k + length - 1) % length]->wanted);
        found = fits && naive_takeable(chain, length, done | 1u << i);
    }
    return found;
}

/* Returns: true when each counting semaphore lets in all members that hold a unit of it. */
static bool naive_units_suffice(const struct occurrence **chain, size_t length)
{
    for (size_t i = 0; i < length; i++)
        for (size_t k = 0; k < chain[i]->held_count; k++) {
            const struct held_lock *held = &chain[i]->held[k];
            size_t members = 0;
            for (size_t m = 0; m < length; m++)
                members += naive_held(chain[m], held->object.id.v) != NULL;
            if (held->units != 0 && members > held->units)
                return false;
        }
    return true;
}

/* Extends the chain in every way; the recursion is as deep as there are threads. */
static void enumerate(const struct occurrence **chain, size_t length)
{
    if (length >= 2 && naive_link(chain[length - 1], chain[0]) && naive_takeable(chain, length, 0) &&
        naive_units_suffice(chain, length)) {
        struct lock_set set = {0};
        for (size_t i = 0; i < length; i++)
            lock_set_add(&set, chain[i]->wanted);
        set_list_add(&valid, &set);
    }
    for (size_t i = 0; length < MAX_THREADS && i < occurrence_count; i++) {
        const struct occurrence *next = &occurrences[i];
        bool fits = naive_link(chain[length - 1], next);
        for (size_t k = 0; fits && k < length; k++)
            fits = naive_compatible(chain[k], next);
        if (!fits)
            continue;
        chain[length] = next;
        enumerate(chain, length + 1);
    }
}

static void note_occurrence(uint32_t thread, uint32_t lock, enum lock_mode mode)
{
    const struct world_thread *t = &w.threads[thread];
    struct occurrence *o = &occurrences[occurrence_count++];
    *o = (struct occurrence){.thread = thread, .wanted = lock, .mode = mode, .held_count = t->held_count};
    memcpy(o->held, t->held, t->held_count * sizeof t->held[0]);
    memcpy(o->clock, t->clock, sizeof o->clock);
}

/* ---- the comparison ----------------------------------------------------------------------------------------------- */

static bool reported_are_valid(size_t first)
{
    for (size_t i = first; i < w.finding_count; i++) {
        struct lock_set set = {0};
        for (size_t k = 0; k < w.findings[i].party_count; k++)
            lock_set_add(&set, w.findings[i].wanted[k]);
        if (!set_list_has(&valid, &set)) {
            fprintf(stderr, "reported a cycle of %zu locks that is not valid\n", set.count);
            return false;
        }
        set_list_add(&reported, &set);
    }
    return true;
}

static bool valid_are_reported(bool longer_too)
{
    size_t shortest = SIZE_MAX;
    for (size_t i = 0; i < valid.count; i++)
        if (valid.sets[i].count < shortest)
            shortest = valid.sets[i].count;
    for (size_t i = 0; i < valid.count; i++) {
        if (valid.sets[i].count != shortest || (shortest > 2 && !longer_too))
            continue;
        if (!set_list_has(&reported, &valid.sets[i])) {
            fprintf(stderr, "missed a valid cycle of %zu locks\n", shortest);
            return false;
        }
    }
    return true;
}

static bool try_request(uint32_t thread, uint32_t lock, enum lock_mode mode, bool longer_too)
{
    size_t findings_before = w.finding_count;
    if (w.threads[thread].held_count > 0) {
        note_occurrence(thread, lock, mode);
        valid.count = 0;
        const struct occurrence *chain[MAX_THREADS] = {&occurrences[occurrence_count - 1]};
        enumerate(chain, 1);
        uint64_t known = world_counts(&w).dependencies;
        world_request(&w, thread, lock, mode);
        longer_too &= world_counts(&w).dependencies > known; /* a repeated one is not searched without need */
        if (!reported_are_valid(findings_before) || !valid_are_reported(longer_too))
            return false;
    }
    if (!lock_order_check(w.order)) {
        fprintf(stderr, "lock_order_check() fails\n");
        return false;
    }
    return true;
}

/* A lock that nobody holds ends its life; its place gets a new generation. */
static void renew_lock(uint32_t index, uint32_t *last_id)
{
    for (uint32_t t = 0; t < WORLD_THREADS; t++)
        for (size_t i = 0; i < w.threads[t].held_count; i++)
            if (w.threads[t].held[i].object.id.v == lock_ids[index])
                return;
    lock_order_remove(w.order, (struct object_id){lock_ids[index]});
    size_t kept = 0;
    for (size_t i = 0; i < occurrence_count; i++)
        if (occurrences[i].wanted != lock_ids[index])
            occurrences[kept++] = occurrences[i];
    occurrence_count = kept;
    lock_ids[index] = ++*last_id;
}

static uint32_t holders_of(uint32_t lock)
{
    uint32_t count = 0;
    for (uint32_t t = 0; t < WORLD_THREADS; t++)
        for (size_t i = 0; i < w.threads[t].held_count; i++)
            count += w.threads[t].held[i].object.id.v == lock;
    return count;
}

static bool run_program(uint64_t seed)
{
    random_state = seed;
    occurrence_count = reported.count = 0;
    world_init(&w, 4096);
    uint32_t threads = 2 + random_below(MAX_THREADS - 1);
    uint32_t locks = 2 + random_below(MAX_LOCKS - 1);
    bool hand_overs = random_below(2);
    uint32_t shared_of_ten = random_below(2) * 5;
    uint32_t units = random_below(2) * (2 + random_below(2)); /* the first lock is a semaphore of so many, unless 0 */
    w.prefers_writers = random_below(4) == 0;
    uint32_t last_id = 0;
    for (uint32_t i = 0; i < locks; i++)
        lock_ids[i] = ++last_id;
    for (uint32_t step = 0; step < STEPS; step++) {
        uint32_t thread = 1 + random_below(threads);
        uint32_t index = random_below(locks);
        uint32_t lock = lock_ids[index];
        struct world_thread *t = &w.threads[thread];
        uint32_t action = random_below(20);
        bool is_held = false;
        for (size_t i = 0; i < t->held_count; i++)
            is_held |= t->held[i].object.id.v == lock;
        if (hand_overs && action < 3) {
            uint32_t other = 1 + random_below(threads);
            if (other != thread)
                world_hand_over(&w, thread, other);
        } else if (hand_overs && action == 3) {
            renew_lock(index, &last_id);
        } else if (is_held) {
            world_release(&w, thread, lock);
        } else if (units != 0 && index == 0) {
            if (holders_of(lock) < units)
                world_take_unit(&w, thread, lock, units);
        } else {
            enum lock_mode mode = random_below(10) < shared_of_ten ? LOCK_SHARED : LOCK_EXCLUSIVE;
            bool is_try = random_below(10) == 0;
            if (!is_try && !try_request(thread, lock, mode, !hand_overs))
                return false;
            world_take(&w, thread, lock, mode);
        }
    }
    world_finish(&w);
    return true;
}

static uint64_t setting(int argc, char **argv, int position, const char *variable, uint64_t otherwise)
{
    const char *text = argc > position ? argv[position] : getenv(variable);
    return text ? strtoull(text, NULL, 0) : otherwise;
}

int main(int argc, char **argv)
{
    uint64_t seed = setting(argc, argv, 1, "ORDER_SEED", (uint64_t)time(NULL));
    uint64_t runs = setting(argc, argv, 2, "ORDER_RUNS", DEFAULT_RUNS);
    uint64_t cycles = 0;
    printf("seed %" PRIu64 ", %" PRIu64 " programs\n", seed, runs);
    for (uint64_t i = 0; i < runs; i++) {
        if (!run_program(seed + i)) {
            fprintf(stderr, "failed; again with: test_lock_order_random %" PRIu64 " 1\n", seed + i);
            return 1;
        }
        cycles += reported.count;
    }
    printf("%" PRIu64 " cycles agreed on\n", cycles);
    return runs >= 100 && cycles == 0; /* a generator that makes no cycles tests nothing */
}
