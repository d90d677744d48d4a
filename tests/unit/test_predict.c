/* test_predict.c: predicted races of random traces, against a naive twin.
 *
 *   seed --> events --+--> predict.h --------------------------------------------> pairs of threads that race on a place
 *                     +--> all prefixes of all threads, run in the trace's order --> the same
 *
 * The twin knows no ideals: it tries every set of prefixes, runs what is in it, and sees whether each lock was free when it was
 * taken, each read saw the write that it saw in the trace, and nobody acted before being created or after being joined.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "detector/offline/predict.h"
#include "malloc_host.h"

enum {
    THREADS = 3, /* the first creates the others */
    STEPS = 7,   /* of each, at most */
    EVENTS = THREADS * STEPS,
    PLACES = 2,
    LOCKS = 2,
    TRACES = 3000,
    WAYS = 3, /* write and write, write and read, read and write */
    NOBODY = -1
};

/* Which way and which threads raced on a place, the earlier access's first. */
typedef bool races[PLACES][THREADS][THREADS][WAYS];

struct trace {
    struct event events[EVENTS];
    int thread[EVENTS], index[EVENTS]; /* whose, and its place there */
    int writer[EVENTS];                /* whose write a read saw: an event, or NOBODY */
    int count;
    int steps[THREADS];
};

static const uint64_t first_place = 0x1000, first_lock = 0x2000;

/* Apart by eight bytes, for which one race is told each. */
static int place_of(uint64_t address)
{
    return (int)(address - first_place) / 8;
}

/* ---- random traces ---------------------------------------------------------------------------------------------------- */

struct state {
    int holder[LOCKS];
    bool is_born[THREADS], is_joined[THREADS];
    int last_write[PLACES];
};

static void begin(struct state *state)
{
    memset(state, 0, sizeof *state);
    state->is_born[0] = true;
    for (int i = 0; i < LOCKS; i++)
        state->holder[i] = NOBODY;
    for (int i = 0; i < PLACES; i++)
        state->last_write[i] = NOBODY;
}

/* Returns: false when it cannot happen now. */
static bool act(struct state *state, const struct event *event, int thread, int number)
{
    if (!state->is_born[thread] || state->is_joined[thread])
        return false;
    int *holder = &state->holder[event->object >= first_lock ? event->object - first_lock : 0];
    switch (event->kind) {
    case EVENT_FORK:
        if (state->is_born[event->target])
            return false;
        state->is_born[event->target] = true;
        return true;
    case EVENT_JOIN:
        state->is_joined[event->target] = true;
        return true;
    case EVENT_ACQUIRE:
        if (*holder != NOBODY)
            return false;
        *holder = thread;
        return true;
    case EVENT_RELEASE:
        if (*holder != thread)
            return false;
        *holder = NOBODY;
        return true;
    case EVENT_WRITE:
        state->last_write[place_of(event->object)] = number;
        return true;
    default:
        return true;
    }
}

static struct event random_event(int thread, const struct state *state)
{
    struct event event = {.thread = (uint32_t)thread};
    int what = rand() % 10;
    if (thread == 0 && what == 0) {
        int target = 1 + rand() % (THREADS - 1);
        event.kind = state->is_born[target] ? EVENT_JOIN : EVENT_FORK;
        event.target = (uint32_t)target;
    } else if (what < 5) {
        event.object = first_lock + (uint64_t)(rand() % LOCKS);
        event.kind = state->holder[event.object - first_lock] == thread ? EVENT_RELEASE : EVENT_ACQUIRE;
    } else {
        event.object = first_place + 8 * (uint64_t)(rand() % PLACES);
        event.kind = what < 7 ? EVENT_READ : EVENT_WRITE;
    }
    return event;
}

static void make_trace(struct trace *trace)
{
    struct state state;
    memset(trace, 0, sizeof *trace);
    begin(&state);
    for (int tries = 0; tries < 4 * EVENTS && trace->count < EVENTS; tries++) {
        int thread = rand() % THREADS, number = trace->count;
        struct event event = tries < THREADS - 1 ? (struct event){.kind = EVENT_FORK, .target = (uint32_t)tries + 1}
                                                 : random_event(thread, &state);
        thread = (int)event.thread;
        event.at.v = (uint32_t)number + 1;
        bool reads = event.kind == EVENT_READ;
        if (trace->steps[thread] == STEPS || !act(&state, &event, thread, number))
            continue;
        trace->writer[number] = reads ? state.last_write[place_of(event.object)] : NOBODY;
        trace->events[number] = event;
        trace->thread[number] = thread;
        trace->index[number] = trace->steps[thread]++;
        trace->count++;
    }
}

/* ---- the twin ---------------------------------------------------------------------------------------------------------- */

/* Whether what is in these prefixes can happen in the trace's order, and nothing else. */
static bool can_happen(const struct trace *trace, const int prefix[THREADS])
{
    struct state state;
    begin(&state);
    for (int i = 0; i < trace->count; i++) {
        const struct event *event = &trace->events[i];
        if (trace->index[i] >= prefix[trace->thread[i]])
            continue;
        if (!act(&state, event, trace->thread[i], i))
            return false;
        if (event->kind == EVENT_READ && state.last_write[place_of(event->object)] != trace->writer[i])
            return false;
        if (event->kind == EVENT_JOIN && prefix[event->target] < trace->steps[event->target])
            return false;
    }
    return true;
}

static bool is_access(const struct event *event)
{
    return event->kind == EVENT_READ || event->kind == EVENT_WRITE;
}

static int way_of(bool first_writes, bool second_writes)
{
    return first_writes && second_writes ? 0 : first_writes ? 1 : 2;
}

/* Both must have been created: a thread that has not been cannot be about to do anything. */
static bool is_created(const struct trace *trace, int thread, const int prefix[THREADS])
{
    for (int i = 0; i < trace->count; i++)
        if (trace->events[i].kind == EVENT_FORK && trace->events[i].target == (uint32_t)thread)
            return trace->index[i] < prefix[0];
    return true;
}

/* The accesses that these prefixes are about to come to. */
static void look_for_races(const struct trace *trace, const int prefix[THREADS], races found)
{
    for (int a = 0; a < trace->count; a++)
        for (int b = a + 1; b < trace->count; b++) {
            const struct event *first = &trace->events[a], *second = &trace->events[b];
            int t = trace->thread[a], u = trace->thread[b];
            bool is_pair = t != u && is_access(first) && is_access(second) && first->object == second->object &&
                           (first->kind == EVENT_WRITE || second->kind == EVENT_WRITE);
            if (is_pair && prefix[t] == trace->index[a] && prefix[u] == trace->index[b] &&
                is_created(trace, t, prefix) && is_created(trace, u, prefix))
                found[place_of(first->object)][t][u][way_of(first->kind == EVENT_WRITE, second->kind == EVENT_WRITE)] =
                    true;
        }
}

static void find_naively(const struct trace *trace, races found)
{
    int prefix[THREADS];
    for (prefix[0] = 0; prefix[0] <= trace->steps[0]; prefix[0]++)
        for (prefix[1] = 0; prefix[1] <= trace->steps[1]; prefix[1]++)
            for (prefix[2] = 0; prefix[2] <= trace->steps[2]; prefix[2]++)
                if (can_happen(trace, prefix))
                    look_for_races(trace, prefix, found);
}

/* ---- both -------------------------------------------------------------------------------------------------------------- */

struct told {
    bool (*found)[THREADS][THREADS][WAYS];
};

static void take_race(void *ctx, const struct predicted_race *race)
{
    struct told *told = ctx;
    const struct predicted_access *second = &race->sides[0], *first = &race->sides[1];
    told->found[place_of(race->address)][first->thread][second->thread][way_of(first->is_write, second->is_write)] =
        true;
}

static void find(const struct trace *trace, races found)
{
    struct told told = {found};
    struct predict *predict = predict_new(&malloc_host);
    assert_non_null(predict);
    for (int i = 0; i < trace->count; i++)
        assert_true(predict_event(predict, &trace->events[i]));
    assert_true(predict_run(predict, take_race, &told));
    predict_delete(predict);
    assert_int_equal(malloc_host_bytes(), 0);
}

static void random_traces_agree_with_the_twin(void **state)
{
    (void)state;
    int racy = 0;
    for (unsigned seed = 1; seed <= TRACES; seed++) {
        struct trace trace;
        races found = {0}, expected = {0};
        srand(seed);
        make_trace(&trace);
        find(&trace, found);
        find_naively(&trace, expected);
        if (memcmp(found, expected, sizeof found) != 0)
            fail_msg("seed %u", seed);
        races none = {0};
        racy += memcmp(found, none, sizeof found) != 0;
    }
    assert_in_range(racy, TRACES / 10, TRACES - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_traces_agree_with_the_twin)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
