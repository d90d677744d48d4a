/* validate_pools.c: the validator of process pools: answers, errors, and deaths at every moment, after which no future waits.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <lhp/process_pool.h>

#include "check.h"

static int pool_square(const void *argument, size_t size, void **result, size_t *result_size)
{
    int64_t n;
    memcpy(&n, argument, size);
    int64_t *answer = malloc(sizeof(*answer));
    *answer = n * n;
    *result = answer;
    *result_size = sizeof(*answer);
    return n == 13 ? 113 : 0;
}

static int pool_die(const void *argument, size_t size, void **result, size_t *result_size)
{
    (void)argument, (void)size, (void)result, (void)result_size;
    return raise(SIGKILL);
}

static int log_ends[2], go_ends[2]; /* pipes that workers write to, and read from */

static int pool_sleep(const void *argument, size_t size, void **result, size_t *result_size)
{
    (void)argument, (void)size, (void)result, (void)result_size;
    sleep_ms(20);
    return 0;
}

static struct lhp_process_pool *pool_of(unsigned workers, bool respawn)
{
    struct lhp_process_pool *pool =
        lhp_process_pool_new(&(struct lhp_process_pool_options){.workers = workers, .respawn = respawn});
    CHECK(pool);
    return pool;
}

static void pool_answers(void)
{
    enum { ITEMS = 40 };
    int64_t items[ITEMS];
    struct lhp_future *f[ITEMS];
    struct lhp_process_pool *pool = pool_of(2, false);
    pid_t pids[2];
    CHECK(lhp_process_pool_workers(pool, pids, 2) == 2 && pids[0] != pids[1]);
    for (int64_t i = 0; i < ITEMS; i++)
        items[i] = i;
    CHECK_IS(lhp_process_pool_submit(pool, "unknown", NULL, 0, &f[0]), LHP_INVALID);
    CHECK_IS(lhp_process_pool_map(pool, "square", items, sizeof(items[0]), ITEMS, f), LHP_OK);
    for (int64_t i = 0; i < ITEMS; i++) {
        void *result;
        CHECK_IS(lhp_future_result_for(f[i], LHP_SECONDS(20), &result), i == 13 ? LHP_FAILED : LHP_OK);
        CHECK(i != 13 || lhp_future_error(f[i]) == 113);
        if (i != 13) {
            const struct lhp_bytes *bytes = result;
            CHECK(bytes->size == sizeof(i) && *(const int64_t *)(const void *)bytes->data == i * i);
        }
        lhp_future_release(f[i]);
    }
    for (int i = 0; i < 6; i++)
        CHECK_IS(lhp_process_pool_submit(pool, "sleep", NULL, 0, &f[i]), LHP_OK);
    lhp_process_pool_shutdown(pool, false, true);
    CHECK_IS(lhp_process_pool_submit(pool, "sleep", NULL, 0, NULL), LHP_SHUT_DOWN);
    lhp_process_pool_delete(pool);
    for (int i = 0; i < 6; i++) {
        CHECK(lhp_future_done(f[i]));
        lhp_future_release(f[i]);
    }
}

static void dead_worker_breaks_an_executor(void)
{
    struct lhp_process_pool *pool = pool_of(1, false);
    struct lhp_future *f[3];
    CHECK_IS(lhp_process_pool_submit(pool, "sleep", NULL, 0, &f[0]), LHP_OK);
    CHECK_IS(lhp_process_pool_submit(pool, "die", NULL, 0, &f[1]), LHP_OK);
    CHECK_IS(lhp_process_pool_submit(pool, "sleep", NULL, 0, &f[2]), LHP_OK);
    CHECK_IS(lhp_future_result_for(f[0], LHP_SECONDS(20), NULL), LHP_OK);
    CHECK_IS(lhp_future_result_for(f[1], LHP_SECONDS(20), NULL), LHP_WORKER_DIED);
    CHECK_IS(lhp_future_result_for(f[2], LHP_SECONDS(20), NULL), LHP_BROKEN);
    CHECK_IS(lhp_process_pool_submit(pool, "sleep", NULL, 0, NULL), LHP_BROKEN);
    lhp_process_pool_delete(pool);
    for (int i = 0; i < 3; i++)
        lhp_future_release(f[i]);
}

static void pool_replaces_dead_workers(void)
{
    struct lhp_process_pool *pool = pool_of(2, true);
    for (int64_t i = 0; i < 10; i++) {
        struct lhp_future *f;
        bool die = i % 3 == 0;
        CHECK_IS(lhp_process_pool_submit(pool, die ? "die" : "square", &i, sizeof(i), &f), LHP_OK);
        CHECK_IS(lhp_future_result_for(f, LHP_SECONDS(20), NULL), die ? LHP_WORKER_DIED : LHP_OK);
        lhp_future_release(f);
    }
    struct lhp_future *f;
    CHECK_IS(lhp_process_pool_submit(pool, "sleep", NULL, 0, &f), LHP_OK);
    lhp_process_pool_terminate(pool);
    enum lhp_status status = lhp_future_result_for(f, LHP_SECONDS(20), NULL);
    CHECK(status == LHP_BROKEN || status == LHP_OK);
    lhp_future_release(f);
    lhp_process_pool_delete(pool);
}

/* A worker that nobody has given anything dies as well: the pool goes on, the executor is broken, nobody waits. */
static void idle_workers_die_too(void)
{
    for (int respawn = 0; respawn < 2; respawn++) {
        struct lhp_process_pool *pool = pool_of(1, respawn);
        struct lhp_future *f;
        pid_t before, now;
        int64_t n = 3;
        CHECK_IS(lhp_process_pool_submit(pool, "square", &n, sizeof(n), &f), LHP_OK);
        CHECK_IS(lhp_future_result_for(f, LHP_SECONDS(20), NULL), LHP_OK);
        lhp_future_release(f);
        CHECK(lhp_process_pool_workers(pool, &before, 1) == 1);
        kill(before, SIGKILL);
        while (lhp_process_pool_workers(pool, &now, 1) == 1 && now == before)
            sleep_ms(1);
        enum lhp_status status = LHP_OK;
        for (int i = 0; i < 1000 && !respawn && status == LHP_OK; i++) {
            if ((status = lhp_process_pool_submit(pool, "square", &n, sizeof(n), &f)) == LHP_OK)
                lhp_future_release(f);
            sleep_ms(1);
        }
        if (respawn) {
            CHECK_IS(lhp_process_pool_submit(pool, "square", &n, sizeof(n), &f), LHP_OK);
            CHECK_IS(lhp_future_result_for(f, LHP_SECONDS(20), NULL), LHP_OK);
            lhp_future_release(f);
        } else {
            CHECK_IS(status, LHP_BROKEN);
        }
        lhp_process_pool_delete(pool);
    }
}

/* Tasks begin in the order of their submission, those that were cancelled do not begin, and those that are left are run
 * by a shutdown that does not cancel. */
static int pool_note(const void *argument, size_t size, void **result, size_t *result_size)
{
    (void)result, (void)result_size;
    return write(log_ends[1], argument, size) == (ssize_t)size ? 0 : 1;
}

/* Until the test writes a byte. */
static int pool_wait(const void *argument, size_t size, void **result, size_t *result_size)
{
    char byte;
    (void)argument, (void)size, (void)result, (void)result_size;
    return read(go_ends[0], &byte, 1) == 1 ? 0 : 1;
}

static void go_open(void)
{
    CHECK(pipe(go_ends) == 0 && pipe(log_ends) == 0);
}

static void go_on(void)
{
    CHECK(write(go_ends[1], "x", 1) == 1);
}

static void go_close(void)
{
    for (int i = 0; i < 2; i++) {
        close(go_ends[i]);
        close(log_ends[i]);
    }
}

static void pool_keeps_the_order_and_skips_what_is_cancelled(void)
{
    char text[32] = "";
    struct lhp_future *f[6];
    go_open();
    struct lhp_process_pool *pool = pool_of(1, false);
    CHECK_IS(lhp_process_pool_submit(pool, "wait", NULL, 0, &f[0]), LHP_OK);
    for (int i = 1; i < 6; i++)
        CHECK_IS(lhp_process_pool_submit(pool, "note", &"-abcde"[i], 1, &f[i]), LHP_OK);
    CHECK_IS(lhp_future_cancel(f[2]), LHP_OK);
    go_on();
    lhp_process_pool_shutdown(pool, true, false);
    CHECK(read(log_ends[0], text, sizeof(text) - 1) == 4);
    CHECK(strcmp(text, "acde") == 0);
    for (int i = 0; i < 6; i++) {
        CHECK_IS(lhp_future_result(f[i], NULL), i == 2 ? LHP_CANCELLED : LHP_OK);
        lhp_future_release(f[i]);
    }
    lhp_process_pool_delete(pool);
    go_close();
}

static void shutdown_may_cancel_what_has_not_begun(void)
{
    struct lhp_future *f[3];
    go_open();
    struct lhp_process_pool *pool = pool_of(1, true);
    for (int i = 0; i < 3; i++)
        CHECK_IS(lhp_process_pool_submit(pool, "wait", NULL, 0, &f[i]), LHP_OK);
    while (!lhp_future_running(f[0]))
        sched_yield();
    lhp_process_pool_shutdown(pool, false, true);
    CHECK_IS(lhp_future_result(f[1], NULL), LHP_CANCELLED);
    CHECK_IS(lhp_future_result_for(f[0], LHP_MS(2), NULL), LHP_TIMEOUT);
    CHECK_IS(lhp_future_cancel(f[0]), LHP_BAD_STATE);
    go_on();
    lhp_process_pool_delete(pool);
    for (int i = 0; i < 3; i++) {
        CHECK_IS(lhp_future_result(f[i], NULL), i ? LHP_CANCELLED : LHP_OK);
        lhp_future_release(f[i]);
    }
    go_close();
}

static int base;

static int set_base(void *arg)
{
    base = *(int *)arg;
    return 0;
}

static int pool_base(const void *argument, size_t size, void **result, size_t *result_size)
{
    (void)argument, (void)size, (void)result, (void)result_size;
    return base;
}

static int pool_base_and_one(const void *argument, size_t size, void **result, size_t *result_size)
{
    return pool_base(argument, size, result, result_size) + 1;
}

/* Each worker is prepared first; a function registered again is the new one, for the pools made from then on. */
static void workers_are_initialized_first(void)
{
    int seven = 7;
    struct lhp_process_pool_options options = {.workers = 1, .initializer = set_base, .initializer_arg = &seven};
    for (int again = 0; again < 2; again++) {
        struct lhp_future *f;
        CHECK_IS(lhp_process_function("base", again ? pool_base_and_one : pool_base), LHP_OK);
        struct lhp_process_pool *pool = lhp_process_pool_new(&options);
        CHECK_IS(lhp_process_pool_submit(pool, "base", NULL, 0, &f), LHP_OK);
        CHECK_IS(lhp_future_result_for(f, LHP_SECONDS(20), NULL), LHP_FAILED);
        CHECK(lhp_future_error(f) == 7 + again);
        lhp_future_release(f);
        CHECK_IS(lhp_process_function("later", pool_base), LHP_OK);
        CHECK_IS(lhp_process_pool_submit(pool, "later", NULL, 0, &f), again ? LHP_OK : LHP_INVALID);
        if (again)
            lhp_future_release(f);
        lhp_process_pool_delete(pool);
    }
}

static void names_have_bounds(void)
{
    char name[80];
    enum lhp_status status = LHP_OK;
    memset(name, 'x', 64);
    name[64] = 0;
    CHECK_IS(lhp_process_function(name, pool_base), LHP_INVALID);
    for (int i = 0; i < 300 && status == LHP_OK; i++) {
        snprintf(name, sizeof(name), "name %d", i);
        status = lhp_process_function(name, pool_base);
    }
    CHECK_IS(status, LHP_OVER_BOUND);
    CHECK_IS(lhp_process_function("square", pool_square), LHP_OK); /* one that is there */
}

static void submit_and_exit(void)
{
    struct lhp_process_pool *pool = pool_of(1, false);
    for (int i = 0; i < 3; i++)
        CHECK_IS(lhp_process_pool_submit(pool, "note", &"xyz"[i], 1, NULL), LHP_OK);
    exit(0);
}

static void exit_runs_what_was_submitted(void)
{
    char text[8] = "";
    int status;
    go_open();
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        submit_and_exit();
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(read(log_ends[0], text, sizeof(text) - 1) == 3 && strcmp(text, "xyz") == 0);
    go_close();
}

static int refuse_to_start(void *arg)
{
    (void)arg;
    return 1;
}

static void failed_initializer_breaks_the_pool(void)
{
    struct lhp_future *f;
    struct lhp_process_pool *pool = lhp_process_pool_new(
        &(struct lhp_process_pool_options){.workers = 2, .respawn = true, .initializer = refuse_to_start});
    enum lhp_status status = lhp_process_pool_submit(pool, "sleep", NULL, 0, &f);
    if (status == LHP_OK) {
        CHECK_IS(lhp_future_result_for(f, LHP_SECONDS(20), NULL), LHP_BROKEN);
        lhp_future_release(f);
    } else {
        CHECK_IS(status, LHP_BROKEN);
    }
    lhp_process_pool_delete(pool);
}

static void left_pool_ends_with_the_process(void)
{
    (void)pool_of(2, true); /* and never deleted */
}

/* As executors do. */
static void pools_go_in_any_order(void)
{
    const struct lhp_process_pool_options one = {.workers = 1};
    for (int turn = 0; turn < 6; turn++) {
        struct lhp_process_pool *all[3];
        int first = turn % 3, second = (first + 1 + turn / 3) % 3;
        for (int i = 0; i < 3; i++)
            CHECK((all[i] = lhp_process_pool_new(&one)) != NULL);
        lhp_process_pool_delete(all[first]);
        lhp_process_pool_delete(all[second]);
        struct lhp_process_pool *another = lhp_process_pool_new(&one);
        lhp_process_pool_delete(all[3 - first - second]);
        CHECK(another);
        lhp_process_pool_delete(another);
    }
}

int main(void)
{
    check_init_seed();
    CHECK_IS(lhp_process_function("square", pool_square), LHP_OK);
    CHECK_IS(lhp_process_function("die", pool_die), LHP_OK);
    CHECK_IS(lhp_process_function("sleep", pool_sleep), LHP_OK);
    CHECK_IS(lhp_process_function("note", pool_note), LHP_OK);
    CHECK_IS(lhp_process_function("wait", pool_wait), LHP_OK);
    RUN(pool_answers);
    RUN(pool_keeps_the_order_and_skips_what_is_cancelled);
    RUN(shutdown_may_cancel_what_has_not_begun);
    RUN(workers_are_initialized_first);
    RUN(dead_worker_breaks_an_executor);
    RUN(pool_replaces_dead_workers);
    RUN(idle_workers_die_too);
    RUN(failed_initializer_breaks_the_pool);
    RUN(names_have_bounds);
    RUN(exit_runs_what_was_submitted);
    RUN(left_pool_ends_with_the_process);
    RUN(pools_go_in_any_order);
    return 0;
}
