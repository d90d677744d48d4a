/* validate_executors.c: the validator of futures and of the thread pool.
 *
 * Random submissions, cancellations and failures against what each task should have answered; then each promise alone:
 * order of map, waits, as_completed, callbacks, initializers, idle threads, and the ways to shut down.
 */
#include <string.h>
#include <sys/wait.h>

#include <lhp/event.h>
#include <lhp/executor.h>
#include <lhp/lock.h>
#include <lhp/thread.h>

#include "check.h"

static int square(void *arg, void **result)
{
    uintptr_t n = (uintptr_t)arg;
    *result = (void *)(n * n);
    return n % 7 == 3 ? (int)n : 0;
}

static struct lhp_executor *executor_of(unsigned workers)
{
    struct lhp_executor *e = lhp_executor_new(&(struct lhp_executor_options){.max_workers = workers});
    CHECK(e);
    return e;
}

static void count_callback(struct lhp_future *future, void *arg)
{
    CHECK(lhp_future_done(future));
    __atomic_fetch_add((unsigned *)arg, 1, __ATOMIC_RELAXED);
}

static void check_square(struct lhp_future *f, uintptr_t n, bool cancelled)
{
    void *result = NULL;
    enum lhp_status status = lhp_future_result(f, &result);
    CHECK(lhp_future_done(f) && lhp_future_cancelled(f) == cancelled);
    if (cancelled) {
        CHECK_IS(status, LHP_CANCELLED);
    } else if (n % 7 == 3) {
        CHECK_IS(status, LHP_FAILED);
        CHECK(lhp_future_error(f) == (int)n);
    } else {
        CHECK_IS(status, LHP_OK);
        CHECK((uintptr_t)result == n * n && lhp_future_error(f) == 0);
    }
    CHECK_IS(lhp_future_set_result(f, NULL, NULL), LHP_BAD_STATE);
}

static void random_tasks_answer_as_the_model_says(void)
{
    enum { TASKS = 200 };
    struct random r = random_for(0);
    for (unsigned round = 0; round < check_scaled(30); round++) {
        struct lhp_executor *e = executor_of(1 + random_below(&r, 4));
        struct lhp_future *futures[TASKS];
        bool cancelled[TASKS] = {false};
        unsigned callbacks = 0;
        for (uintptr_t i = 0; i < TASKS; i++) {
            CHECK_IS(lhp_executor_submit(e, square, (void *)i, &futures[i]), LHP_OK);
            CHECK_IS(lhp_future_add_done_callback(futures[i], count_callback, &callbacks), LHP_OK);
            unsigned victim = random_below(&r, (unsigned)i + 1);
            if (random_below(&r, 4) == 0 && lhp_future_cancel(futures[victim]) == LHP_OK)
                cancelled[victim] = true;
        }
        CHECK_IS(lhp_futures_wait(futures, TASKS, LHP_ALL_COMPLETED, LHP_SECONDS(20)), LHP_OK);
        for (uintptr_t i = 0; i < TASKS; i++)
            check_square(futures[i], i, cancelled[i]);
        lhp_executor_delete(e);
        CHECK(callbacks == TASKS);
        for (unsigned i = 0; i < TASKS; i++)
            lhp_future_release(futures[i]);
    }
}

static void map_keeps_the_order_of_the_items(void)
{
    enum { ITEMS = 103 };
    void *items[ITEMS], *result;
    struct lhp_map *map;
    struct lhp_executor *e = executor_of(3);
    for (uintptr_t i = 0; i < ITEMS; i++)
        items[i] = (void *)i;
    for (size_t chunk = 0; chunk < 12; chunk += 3) {
        CHECK_IS(lhp_executor_map(e, square, items, ITEMS, chunk, &map), LHP_OK);
        for (uintptr_t i = 0; i < ITEMS; i++) {
            CHECK_IS(lhp_map_next(map, &result), i % 7 == 3 ? LHP_FAILED : LHP_OK);
            CHECK((uintptr_t)result == i * i);
        }
        CHECK_IS(lhp_map_next(map, &result), LHP_STOPPED);
        lhp_map_release(map);
    }
    CHECK_IS(lhp_executor_map(e, square, items, 0, 1, &map), LHP_OK);
    CHECK_IS(lhp_map_next(map, &result), LHP_STOPPED);
    lhp_map_release(map);
    lhp_executor_delete(e);
}

static int wait_for_event(void *arg, void **result)
{
    (void)result;
    lhp_event_wait(arg);
    return 0;
}

static int fail_at_once(void *arg, void **result)
{
    (void)arg;
    (void)result;
    return 1;
}

static int count_run(void *arg, void **result)
{
    (void)result;
    ++*(unsigned *)arg;
    return 0;
}

static void waits_end_when_they_should(void)
{
    struct lhp_executor *e = executor_of(4);
    struct lhp_event slow;
    struct lhp_future *f[3], *next;
    lhp_event_init(&slow);
    CHECK_IS(lhp_executor_submit(e, wait_for_event, &slow, &f[0]), LHP_OK);
    CHECK_IS(lhp_executor_submit(e, square, (void *)4, &f[1]), LHP_OK);
    CHECK_IS(lhp_futures_wait(f, 2, LHP_FIRST_COMPLETED, LHP_SECONDS(5)), LHP_OK);
    CHECK(lhp_future_done(f[1]) && !lhp_future_done(f[0]));
    CHECK_IS(lhp_futures_wait(f, 2, LHP_FIRST_ERROR, LHP_MS(5)), LHP_TIMEOUT);
    CHECK_IS(lhp_future_result_for(f[0], LHP_MS(5), NULL), LHP_TIMEOUT);
    CHECK(lhp_future_running(f[0]));
    CHECK_IS(lhp_future_cancel(f[0]), LHP_BAD_STATE);
    CHECK_IS(lhp_executor_submit(e, fail_at_once, NULL, &f[2]), LHP_OK);
    CHECK_IS(lhp_futures_wait(f, 3, LHP_FIRST_ERROR, LHP_SECONDS(5)), LHP_OK);
    struct lhp_as_completed *it = lhp_as_completed_new(f, 3, LHP_SECONDS(5));
    CHECK(it);
    for (int i = 0; i < 2; i++) {
        CHECK_IS(lhp_as_completed_next(it, &next), LHP_OK);
        CHECK(next == f[1] || next == f[2]);
    }
    lhp_event_set(&slow);
    CHECK_IS(lhp_as_completed_next(it, &next), LHP_OK);
    CHECK(next == f[0]);
    CHECK_IS(lhp_as_completed_next(it, &next), LHP_STOPPED);
    lhp_as_completed_release(it);
    lhp_executor_delete(e);
    it = lhp_as_completed_new(f, 0, 0);
    CHECK_IS(lhp_as_completed_next(it, &next), LHP_STOPPED);
    lhp_as_completed_release(it);
    for (int i = 0; i < 3; i++)
        lhp_future_release(f[i]);
    lhp_event_destroy(&slow);
}

static void idle_threads_are_used_again(void)
{
    struct lhp_executor *e = executor_of(8);
    for (uintptr_t i = 0; i < 50; i++) {
        struct lhp_future *f;
        CHECK_IS(lhp_executor_submit(e, square, (void *)1, &f), LHP_OK);
        CHECK_IS(lhp_future_result(f, NULL), LHP_OK);
        lhp_future_release(f);
        sleep_ms(1); /* until it looks for work again */
    }
    CHECK(lhp_executor_workers(e) <= 3);
    lhp_executor_delete(e);
}

static int refuse(void *arg)
{
    ++*(unsigned *)arg;
    return 1;
}

static void failed_initializer_breaks_the_executor(void)
{
    unsigned calls = 0;
    struct lhp_future *f;
    struct lhp_executor *e = lhp_executor_new(
        &(struct lhp_executor_options){.max_workers = 1, .initializer = refuse, .initializer_arg = &calls});
    CHECK_IS(lhp_executor_submit(e, square, NULL, &f), LHP_OK);
    CHECK_IS(lhp_future_result_for(f, LHP_SECONDS(5), NULL), LHP_BROKEN);
    lhp_future_release(f);
    CHECK_IS(lhp_executor_submit(e, square, NULL, &f), LHP_BROKEN);
    lhp_executor_delete(e);
    CHECK(calls == 1);
}

static int delete_from_inside(void *arg, void **result)
{
    (void)result;
    CHECK_IS(lhp_executor_shutdown(arg, true, false), LHP_DEADLOCK);
    return 0;
}

static void shutdown_drains_or_cancels(void)
{
    struct lhp_event slow;
    struct lhp_future *f[4];
    lhp_event_init(&slow);
    struct lhp_executor *e = executor_of(1);
    CHECK_IS(lhp_executor_submit(e, wait_for_event, &slow, &f[0]), LHP_OK);
    while (!lhp_future_running(f[0]))
        sched_yield();
    for (int i = 1; i < 4; i++)
        CHECK_IS(lhp_executor_submit(e, square, (void *)2, &f[i]), LHP_OK);
    CHECK_IS(lhp_executor_shutdown(e, false, true), LHP_OK);
    CHECK_IS(lhp_executor_submit(e, square, NULL, NULL), LHP_SHUT_DOWN);
    lhp_event_set(&slow);
    CHECK_IS(lhp_future_result(f[0], NULL), LHP_OK);
    for (int i = 1; i < 4; i++)
        CHECK_IS(lhp_future_result(f[i], NULL), LHP_CANCELLED);
    lhp_executor_delete(e);
    for (int i = 0; i < 4; i++)
        lhp_future_release(f[i]);

    e = executor_of(1);
    CHECK_IS(lhp_executor_submit(e, delete_from_inside, e, &f[0]), LHP_OK);
    CHECK_IS(lhp_future_result(f[0], NULL), LHP_OK);
    lhp_future_release(f[0]);
    lhp_executor_delete(e);
    lhp_event_destroy(&slow);
}

static void left_executor_ends_with_the_process(void)
{
    struct lhp_executor *e = executor_of(2);
    CHECK_IS(lhp_executor_submit(e, square, (void *)2, NULL), LHP_OK); /* and never deleted */
}

/* Two items, the first of which waits for the second: in vain, when one task has both. */
struct pair {
    struct lhp_event second_ran;
    int64_t limit_ns;
    enum lhp_status first_saw;
    bool is_second[2]; /* the items point here */
};

static struct pair pair;

static int one_of_a_pair(void *arg, void **result)
{
    (void)result;
    if (*(bool *)arg)
        lhp_event_set(&pair.second_ran);
    else
        pair.first_saw = lhp_event_wait_for(&pair.second_ran, pair.limit_ns);
    return 0;
}

static void items_of_a_chunk_are_one_task(void)
{
    for (size_t chunk = 1; chunk <= 2; chunk++) {
        void *items[2] = {&pair.is_second[0], &pair.is_second[1]}, *result;
        struct lhp_map *map;
        struct lhp_executor *e = executor_of(2);
        pair.is_second[1] = true;
        pair.limit_ns = chunk == 1 ? LHP_SECONDS(20) : LHP_MS(20);
        lhp_event_init(&pair.second_ran);
        CHECK_IS(lhp_executor_map(e, one_of_a_pair, items, 2, chunk, &map), LHP_OK);
        for (int i = 0; i < 2; i++)
            CHECK_IS(lhp_map_next(map, &result), LHP_OK);
        CHECK(pair.first_saw == (chunk == 1 ? LHP_OK : LHP_TIMEOUT));
        lhp_map_release(map);
        lhp_executor_delete(e);
        lhp_event_destroy(&pair.second_ran);
    }
}

static void map_comes_back_to_an_item_and_lets_go_of_the_rest(void)
{
    struct lhp_event slow;
    void *items[3] = {&slow, &slow, &slow}, *result;
    struct lhp_map *map;
    struct lhp_future *after;
    struct lhp_executor *e = executor_of(1);
    lhp_event_init(&slow);
    CHECK_IS(lhp_executor_map(e, wait_for_event, items, 3, 1, &map), LHP_OK);
    for (int i = 0; i < 5; i++)
        CHECK_IS(lhp_map_next_for(map, LHP_MS(1), &result), LHP_TIMEOUT);
    lhp_event_set(&slow);
    for (int i = 0; i < 3; i++)
        CHECK_IS(lhp_map_next_for(map, LHP_SECONDS(20), &result), LHP_OK);
    CHECK_IS(lhp_map_next_for(map, 0, &result), LHP_STOPPED);
    lhp_map_release(map);

    unsigned runs = 0;
    void *counted[3] = {&runs, &runs, &runs};
    lhp_event_clear(&slow);
    CHECK_IS(lhp_executor_submit(e, wait_for_event, &slow, &after), LHP_OK);
    CHECK_IS(lhp_executor_map(e, count_run, counted, 3, 1, &map), LHP_OK);
    lhp_map_release(map); /* none has begun, none will */
    lhp_event_set(&slow);
    CHECK_IS(lhp_future_result(after, NULL), LHP_OK);
    lhp_future_release(after);
    lhp_executor_delete(e);
    CHECK(runs == 0);
    lhp_event_destroy(&slow);
}

struct crew {
    struct lhp_event go;
    struct lhp_lock lock;
    unsigned initialized, inside;
};

static _Thread_local bool initialized_here;

static int initialize(void *arg)
{
    struct crew *c = arg;
    initialized_here = true;
    lhp_lock_acquire(&c->lock);
    c->initialized++;
    lhp_lock_release(&c->lock);
    return 0;
}

static int work_in_crew(void *arg, void **result)
{
    struct crew *c = arg;
    char name[32];
    (void)result;
    lhp_thread_name(lhp_thread_current(), name, sizeof(name));
    CHECK(initialized_here && strncmp(name, "crew-", 5) == 0 && !lhp_thread_daemon(lhp_thread_current()));
    lhp_lock_acquire(&c->lock);
    c->inside++;
    lhp_lock_release(&c->lock);
    lhp_event_wait(&c->go);
    return 0;
}

/* As many at a time as there may be workers, and never more; each worker initialised once. */
static void workers_are_as_many_as_allowed(void)
{
    struct crew c = {.initialized = 0};
    struct lhp_future *f[8];
    unsigned inside = 0;
    lhp_event_init(&c.go);
    lhp_lock_init(&c.lock);
    struct lhp_executor *e = lhp_executor_new(&(struct lhp_executor_options){
        .max_workers = 3, .name = "crew", .initializer = initialize, .initializer_arg = &c});
    CHECK(e && lhp_executor_workers(e) == 0);
    for (int i = 0; i < 8; i++)
        CHECK_IS(lhp_executor_submit(e, work_in_crew, &c, &f[i]), LHP_OK);
    for (; inside < 3; sched_yield()) {
        lhp_lock_acquire(&c.lock);
        inside = c.inside;
        lhp_lock_release(&c.lock);
    }
    sleep_ms(5);
    lhp_lock_acquire(&c.lock);
    CHECK(c.inside == 3 && c.initialized == 3);
    lhp_lock_release(&c.lock);
    CHECK(lhp_executor_workers(e) == 3);
    CHECK(!lhp_future_running(f[7]));
    lhp_event_set(&c.go);
    CHECK_IS(lhp_executor_shutdown(e, true, false), LHP_OK); /* what has been submitted is still run */
    CHECK(c.inside == 8 && c.initialized == 3);
    for (int i = 0; i < 8; i++) {
        CHECK(lhp_future_done(f[i]));
        CHECK_IS(lhp_future_result(f[i], NULL), LHP_OK);
        lhp_future_release(f[i]);
    }
    lhp_executor_delete(e);
    lhp_lock_destroy(&c.lock);
    lhp_event_destroy(&c.go);
}

/* Several wait behind a worker whose initializer fails. */
static int refuse_when_told(void *arg)
{
    lhp_event_wait(arg);
    return 1;
}

static void failed_initializer_ends_every_future(void)
{
    struct lhp_event go;
    struct lhp_future *f[3];
    lhp_event_init(&go);
    struct lhp_executor *e = lhp_executor_new(
        &(struct lhp_executor_options){.max_workers = 1, .initializer = refuse_when_told, .initializer_arg = &go});
    for (int i = 0; i < 3; i++)
        CHECK_IS(lhp_executor_submit(e, square, NULL, &f[i]), LHP_OK);
    lhp_event_set(&go);
    for (int i = 0; i < 3; i++) {
        CHECK_IS(lhp_future_result_for(f[i], LHP_SECONDS(20), NULL), LHP_BROKEN);
        lhp_future_release(f[i]);
    }
    lhp_executor_delete(e);
    lhp_event_destroy(&go);
}

static int print_later(void *arg, void **result)
{
    (void)result;
    sleep_ms(20);
    CHECK(write(*(int *)arg, "x", 1) == 1);
    return 0;
}

/* exit() runs what has been submitted, also what waits behind something slow. */
static void exit_runs_what_was_submitted(void)
{
    int ends[2], status;
    char bytes[4];
    CHECK(pipe(ends) == 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct lhp_executor *e = executor_of(1);
        for (int i = 0; i < 3; i++)
            CHECK_IS(lhp_executor_submit(e, print_later, &ends[1], NULL), LHP_OK);
        exit(4);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 4);
    CHECK(read(ends[0], bytes, sizeof(bytes)) == 3);
    close(ends[0]);
    close(ends[1]);
}

/* The list of them all, by which exit() finds them, holds whatever leaves it first. */
static void executors_go_in_any_order(void)
{
    for (int first = 0; first < 3; first++) {
        for (int second = 0; second < 3; second++) {
            struct lhp_executor *all[3];
            if (first == second)
                continue;
            for (int i = 0; i < 3; i++)
                CHECK((all[i] = lhp_executor_new(NULL)) != NULL);
            lhp_executor_delete(all[first]);
            lhp_executor_delete(all[second]);
            struct lhp_executor *another = lhp_executor_new(NULL);
            lhp_executor_delete(all[3 - first - second]);
            CHECK(another);
            lhp_executor_delete(another);
        }
    }
}

int main(void)
{
    check_init_seed();
    RUN(random_tasks_answer_as_the_model_says);
    RUN(map_keeps_the_order_of_the_items);
    RUN(waits_end_when_they_should);
    RUN(items_of_a_chunk_are_one_task);
    RUN(map_comes_back_to_an_item_and_lets_go_of_the_rest);
    RUN(workers_are_as_many_as_allowed);
    RUN(idle_threads_are_used_again);
    RUN(failed_initializer_breaks_the_executor);
    RUN(failed_initializer_ends_every_future);
    RUN(shutdown_drains_or_cancels);
    RUN(executors_go_in_any_order);
    RUN(exit_runs_what_was_submitted);
    RUN(left_executor_ends_with_the_process);
    return 0;
}
