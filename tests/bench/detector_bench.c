/* detector_bench.c: what the detector itself costs, without interception: ns for one request + acquired + released of
 * an uncontended mutex in a known nesting, for one filtered free(), and so on.
 *
 * Prints one line a case: name, ns an operation (the best of several rounds), and the budget where there is one.
 */
#include "detector/detector.h"

#include <stdio.h>
#include <time.h>

#include "tests/unit/malloc_host.h"

#define ROUNDS     9
#define OPERATIONS 2000000
#define LOCKS      16

static void host_report(void *ctx, const struct finding *finding)
{
    (void)ctx;
    printf("unexpected finding: %s\n", finding_slug(finding->kind));
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

struct bench {
    struct detector *d;
    struct thread *t;
    struct object *lock[LOCKS];
};

static void lock_pair(struct bench *b, struct object *o)
{
    detector_lock_request(b->d, b->t, o, LOCK_EXCLUSIVE, false, (struct stack_id){1});
    detector_lock_acquired(b->d, b->t, o, LOCK_EXCLUSIVE, false, (struct stack_id){1});
    detector_lock_released(b->d, b->t, o, (struct stack_id){2});
}

static void case_free(struct bench *b, uint64_t i)
{
    if (object_may_live_in(b->d, 0x500000000 + (i & 0xffff) * 64, 0x500000000 + (i & 0xffff) * 64 + 48))
        object_range_gone(b->d, b->t, 0x500000000, 0x500000001, true, (struct stack_id){3});
}

static void case_lock(struct bench *b, uint64_t i)
{
    (void)i;
    lock_pair(b, b->lock[0]);
}

static double best_ns(struct bench *b, void (*run)(struct bench *b, uint64_t i))
{
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t start = now_ns();
        for (uint64_t i = 0; i < OPERATIONS; i++)
            run(b, i);
        double ns = (double)(now_ns() - start) / OPERATIONS;
        best = ns < best ? ns : best;
    }
    return best;
}

static void print_case(const char *name, double ns, double budget)
{
    printf("%-34s %6.1f ns", name, ns);
    if (budget > 0)
        printf("   budget %.0f ns%s", budget, ns > budget ? "   OVER" : "");
    printf("\n");
}

static void hold(struct bench *b, int count)
{
    for (int i = 1; i <= count; i++) {
        detector_lock_request(b->d, b->t, b->lock[i], LOCK_EXCLUSIVE, false, (struct stack_id){1});
        detector_lock_acquired(b->d, b->t, b->lock[i], LOCK_EXCLUSIVE, false, (struct stack_id){1});
    }
}

static void let_go(struct bench *b, int count)
{
    for (int i = count; i >= 1; i--)
        detector_lock_released(b->d, b->t, b->lock[i], (struct stack_id){2});
}

int main(void)
{
    struct detector_options options;
    detector_options_default(&options);
    struct detector_host host = malloc_host;
    host.report = host_report;
    struct bench b = {.d = detector_new(&host, &options)};
    b.t = host.alloc(NULL, thread_size());
    detector_thread_create(b.d, b.t, NULL, false, (struct stack_id){0});
    detector_thread_start(b.d, b.t);
    struct object_traits plain = {.was_initialised = true};
    for (int i = 0; i < LOCKS; i++)
        b.lock[i] = object_init(b.d, b.t, OBJECT_MUTEX, 0x600000000 + (uint64_t)i * 64, &plain, (struct stack_id){1});
    print_case("mutex, none held", best_ns(&b, case_lock), 12);
    hold(&b, 1);
    print_case("mutex, 1 held", best_ns(&b, case_lock), 0);
    let_go(&b, 1);
    hold(&b, 8);
    print_case("mutex, 8 held", best_ns(&b, case_lock), 20);
    let_go(&b, 8);
    struct object *c = object_init(b.d, b.t, OBJECT_COND, 0x700000000, &plain, (struct stack_id){1});
    detector_lock_acquired(b.d, b.t, b.lock[0], LOCK_EXCLUSIVE, false, (struct stack_id){1});
    detector_cond_signal(b.d, b.t, c, false, (struct stack_id){1});
    detector_lock_released(b.d, b.t, b.lock[0], (struct stack_id){1});
    print_case("mutex of a condition, none held", best_ns(&b, case_lock), 0);
    b.lock[0] = object_init(b.d, b.t, OBJECT_RWLOCK, 0x800000000, &plain, (struct stack_id){1});
    print_case("rwlock for writing, none held", best_ns(&b, case_lock), 0);
    print_case("free() of a block without locks", best_ns(&b, case_free), 3);
    detector_thread_end(b.d, b.t, (struct stack_id){1});
    detector_thread_forget(b.d, b.t);
    host.free(NULL, b.t, thread_size());
    detector_delete(b.d);
    return 0;
}
