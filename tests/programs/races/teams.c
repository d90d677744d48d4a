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

static void run_reduction(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        int sum = 0;
#pragma omp parallel for num_threads(THREADS) reduction(+ : sum)
        for (int i = 0; i < ITEMS; i++)
            sum += i;
        total += sum;
    }
}

/* Each waits until the one before it has got there. */
static void run_chain(void)
{
#pragma omp parallel for ordered(1) schedule(static, 1) num_threads(THREADS)
    for (int i = 1; i < ITEMS; i++) {
#pragma omp ordered depend(sink : i - 1)
        sums[i] = sums[i - 1] + 1;
#pragma omp ordered depend(source)
    }
}

/* What each thread leaves before a barrier all read behind it. */
static void run_barrier(void)
{
#pragma omp parallel num_threads(THREADS)
    for (int round = 0; round < ROUNDS; round++) {
        int me = omp_get_thread_num(), seen = 0;
        sums[me] = round;
#pragma omp barrier
        for (int i = 0; i < THREADS; i++)
            seen += sums[i];
        sums[THREADS + me] = seen;
#pragma omp barrier
    }
}

/* Work that one of the team does: any, the first, or one for each piece of it. */
static void run_pieces(void)
{
#pragma omp parallel num_threads(THREADS)
    for (int round = 0; round < ROUNDS / 4; round++) {
        int copy;
#pragma omp single copyprivate(copy)
        copy = ++total;
        sums[omp_get_thread_num()] = copy;
#pragma omp barrier
#pragma omp master
        total += sums[THREADS - 1];
#pragma omp barrier
#pragma omp sections
        {
#pragma omp section
            sums[0] = total;
#pragma omp section
            sums[1] = total;
        }
    }
}

static void run_depend(void)
{
#pragma omp parallel num_threads(THREADS)
#pragma omp single
    {
        int made = 0, used = 0;
        for (int i = 0; i < ITEMS; i++) {
#pragma omp task depend(out : made) shared(made)
            made = i;
#pragma omp task depend(in : made) depend(inout : used) shared(made, used)
            used += made;
#pragma omp task depend(in : made) shared(made)
            sums[i] = made;
        }
#pragma omp taskwait
        total += used + sums[ITEMS - 1];
    }
}

static int count_leaves(int depth)
{
    int left, right;
    if (depth == 0)
        return 1;
#pragma omp task shared(left)
    left = count_leaves(depth - 1);
#pragma omp task shared(right)
    right = count_leaves(depth - 1);
#pragma omp taskwait
    return left + right;
}

static void run_taskloop(void)
{
#pragma omp parallel num_threads(THREADS)
#pragma omp single
    {
        total += count_leaves(5);
#pragma omp taskloop grainsize(5)
        for (int i = 0; i < ITEMS; i++)
            sums[i] = i;
        for (int i = 0; i < ITEMS; i++)
            total += sums[i];
    }
}

static int own;
#pragma omp threadprivate(own)

static void run_threadprivate(void)
{
    own = 1;
    for (int round = 0; round < ROUNDS / 4; round++) {
#pragma omp parallel num_threads(THREADS) copyin(own)
        sums[omp_get_thread_num()] = ++own;
        total += sums[THREADS - 1];
    }
}

static void run_locks(void)
{
    omp_lock_t lock;
    omp_nest_lock_t nest;
    omp_init_lock(&lock);
    omp_init_nest_lock(&nest);
#pragma omp parallel num_threads(THREADS)
    for (int i = 0; i < ITEMS; i++) {
        omp_set_lock(&lock);
        total += i;
        omp_unset_lock(&lock);
        omp_set_nest_lock(&nest);
        omp_set_nest_lock(&nest);
        sums[0] += i;
        omp_unset_nest_lock(&nest);
        sums[1] += i;
        omp_unset_nest_lock(&nest);
        if (omp_test_lock(&lock)) {
            total -= i;
            omp_unset_lock(&lock);
        }
    }
    omp_destroy_lock(&lock);
    omp_destroy_nest_lock(&nest);
}

/* Teams that threads of a team make. */
static void run_nested(void)
{
    omp_set_max_active_levels(2);
    for (int round = 0; round < ROUNDS / 20; round++) {
#pragma omp parallel num_threads(2)
        {
            int outer = 2 * omp_get_thread_num();
#pragma omp parallel num_threads(2)
            {
                int inner = omp_get_thread_num();
                sums[outer + inner] = round;
#pragma omp barrier
                sums[8 + outer + inner] = sums[outer + 1 - inner];
            }
            sums[16 + outer] = sums[8 + outer] + sums[9 + outer];
        }
        total += sums[16] + sums[18];
    }
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {{"regions", run_regions},
             {"tasks", run_tasks},
             {"handed", run_handed},
             {"flag", run_flag},
             {"ordered", run_ordered},
             {"critical", run_critical},
             {"reduction", run_reduction},
             {"chain", run_chain},
             {"barrier", run_barrier},
             {"pieces", run_pieces},
             {"depend", run_depend},
             {"taskloop", run_taskloop},
             {"threadprivate", run_threadprivate},
             {"locks", run_locks},
             {"nested", run_nested}};

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
