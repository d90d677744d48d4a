/* teams.c: an OpenMP program: what the run-time library does to its own memory is no finding, what the program's threads do
 * to theirs is.
 *
 *   teams CASE        nothing may be reported
 *   teams CASE racy   one race, between first() and second(), in the last team
 *
 * The first thread of the last team always acts first (unseen.h), so that a run shows the same thing each time.
 */
#include <omp.h>

#include "chosen.h"

#define KEPT __attribute__((noinline))

enum { THREADS = 4, ROUNDS = 200, ITEMS = 64 };

static int sums[ITEMS], total;
static int shared_by_two, one_for_each[2];

/* Teams that are made, used and given back one after the other. */
static void run_regions(void)
{
    for (int round = 0; round < ROUNDS; round++) {
#pragma omp parallel for num_threads(THREADS)
        for (int i = 0; i < ITEMS; i++)
            sums[i] += round;
    }
}

static void run_tasks(void)
{
#pragma omp parallel num_threads(THREADS)
#pragma omp single
    for (int i = 0; i < ITEMS * 8; i++) {
#pragma omp task firstprivate(i)
        {
#pragma omp atomic
            sums[i % ITEMS] += i;
        }
    }
}

/* What tasks wrote is read after the team's end, of which the library learns by a plain look at a counter of tasks. */
static void run_handed(void)
{
    for (int round = 0; round < ROUNDS; round++) {
#pragma omp parallel num_threads(THREADS)
#pragma omp single
        for (int i = 0; i < ITEMS; i++) {
#pragma omp task firstprivate(i)
            sums[i] = i;
        }
        for (int i = 0; i < ITEMS; i++)
            total += sums[i];
    }
}

/* A flag that the directive alone makes atomic. */
static void run_flag(void)
{
    int flag = 0;
#pragma omp parallel num_threads(2) shared(flag)
    if (omp_get_thread_num() == 0) {
        total = 1;
#pragma omp atomic write
        flag = 1;
    } else {
        int seen = 0;
        while (seen == 0) {
#pragma omp atomic read acquire
            seen = flag;
        }
        total++;
    }
}

static void run_ordered(void)
{
#pragma omp parallel for ordered num_threads(THREADS)
    for (int i = 0; i < ITEMS; i++) {
#pragma omp ordered
        total += i;
    }
}

static void run_critical(void)
{
#pragma omp parallel for schedule(dynamic) num_threads(THREADS)
    for (int i = 0; i < ITEMS; i++) {
#pragma omp critical
        total += i;
    }
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {{"regions", run_regions}, {"tasks", run_tasks},     {"handed", run_handed},
             {"flag", run_flag},       {"ordered", run_ordered}, {"critical", run_critical}};

KEPT static void first(void)
{
    *(racy ? &shared_by_two : &one_for_each[0]) = 1;
}

KEPT static void second(void)
{
    *(racy ? &shared_by_two : &one_for_each[1]) = 2;
}

static void last_team(void)
{
#pragma omp parallel num_threads(2)
    if (omp_get_thread_num() == 0) {
        first();
        unseen_pass();
    } else {
        unseen_wait();
        second();
    }
}

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    cases[chosen].run();
    last_team();
    return say_done();
}
