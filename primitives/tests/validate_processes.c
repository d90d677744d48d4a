/* validate_processes.c: the validator of processes, connections and process pools: random loads between processes, counted; every
 * kind of end of a process and its code.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <lhp/connection.h>
#include <lhp/process.h>
#include <lhp/process_pool.h>

#include "check.h"
#include "children.h"

static int return_41(void *arg)
{
    (void)arg;
    return 41;
}

static int wait_for_signal(void *arg)
{
    (void)arg;
    return pause();
}

static int abort_quietly(void *arg)
{
    (void)arg;
    signal(SIGABRT, SIG_DFL);
    return raise(SIGKILL);
}

static int start_from_daemon(void *arg)
{
    struct lhp_process *p = lhp_process_new(return_41, arg, NULL);
    return lhp_process_start(p) == LHP_BAD_STATE ? 0 : 1;
}

static void exit_codes_and_signals(void)
{
    int code;
    struct lhp_process *p = lhp_process_new(return_41, NULL, NULL);
    CHECK_IS(lhp_process_join(p), LHP_BAD_STATE);
    CHECK_IS(lhp_process_terminate(p), LHP_BAD_STATE);
    CHECK_IS(lhp_process_start(p), LHP_OK);
    CHECK_IS(lhp_process_start(p), LHP_BAD_STATE);
    CHECK(lhp_process_pid(p) > 0);
    finish(p, 41);
    p = start(wait_for_signal, NULL);
    CHECK(lhp_process_is_alive(p) && lhp_process_active_count() == 1);
    CHECK_IS(lhp_process_exitcode(p, &code), LHP_BAD_STATE);
    CHECK_IS(lhp_process_close(p), LHP_BAD_STATE);
    CHECK_IS(lhp_process_join_for(p, LHP_MS(10)), LHP_TIMEOUT);
    CHECK_IS(lhp_process_terminate(p), LHP_OK);
    finish(p, -SIGTERM);
    p = start(wait_for_signal, NULL);
    CHECK_IS(lhp_process_kill(p), LHP_OK);
    finish(p, -SIGKILL);
    finish(start(abort_quietly, NULL), -SIGKILL);
    p = lhp_process_new(start_from_daemon, NULL, &(struct lhp_process_options){.name = "d", .daemon = true});
    CHECK_IS(lhp_process_start(p), LHP_OK);
    finish(p, 0);
    CHECK(lhp_process_active_count() == 0);
}

struct pipe_ends {
    struct lhp_connection ours, theirs;
    unsigned messages;
};

/* Echoes until EOF. */
static int echo(void *arg)
{
    struct pipe_ends *p = arg;
    lhp_connection_close(&p->ours);
    for (;;) {
        void *message;
        size_t size;
        enum lhp_status status = lhp_connection_recv_new(&p->theirs, &message, &size);
        if (status != LHP_OK)
            return status == LHP_EOF ? 0 : 1;
        if (lhp_connection_send(&p->theirs, message, size) != LHP_OK)
            return 2;
        free(message);
    }
}

static void messages_keep_their_bounds(void)
{
    enum { LARGEST = 300000 };
    struct pipe_ends p;
    struct random r = random_for(1);
    unsigned char *sent = malloc(LARGEST), *got = malloc(LARGEST);
    size_t size;
    CHECK_IS(lhp_connection_pair(&p.ours, &p.theirs, true), LHP_OK);
    struct lhp_process *child = start(echo, &p);
    lhp_connection_close(&p.theirs);
    CHECK_IS(lhp_connection_poll(&p.ours, LHP_MS(2)), LHP_TIMEOUT);
    for (unsigned i = 0; i < check_scaled(200); i++) {
        size_t n = random_below(&r, 5) ? random_below(&r, 100) : random_below(&r, LARGEST);
        memset(sent, (int)(i + 1), n);
        CHECK_IS(lhp_connection_send(&p.ours, sent, n), LHP_OK);
        CHECK_IS(lhp_connection_poll(&p.ours, LHP_SECONDS(10)), LHP_OK);
        if (n > 10 && random_below(&r, 4) == 0) {
            CHECK_IS(lhp_connection_recv(&p.ours, got, n - 1, &size), LHP_TOO_LONG);
            continue;
        }
        CHECK_IS(lhp_connection_recv(&p.ours, got, LARGEST, &size), LHP_OK);
        CHECK(size == n && memcmp(sent, got, n) == 0);
    }
    lhp_connection_close(&p.ours);
    finish(child, 0);
    CHECK_IS(lhp_connection_send(&p.ours, "", 0), LHP_BAD_STATE);
    CHECK_IS(lhp_connection_pair(&p.ours, &p.theirs, false), LHP_OK);
    CHECK_IS(lhp_connection_send(&p.ours, "", 0), LHP_BAD_STATE);
    CHECK_IS(lhp_connection_send(&p.theirs, "", 0), LHP_OK);
    CHECK_IS(lhp_connection_recv(&p.ours, NULL, 0, &size), LHP_OK);
    lhp_connection_close(&p.ours);
    CHECK_IS(lhp_connection_send(&p.theirs, "x", 1), LHP_EOF);
    lhp_connection_close(&p.theirs);
    free(sent);
    free(got);
}

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

int main(void)
{
    check_init_seed();
    CHECK_IS(lhp_process_function("square", pool_square), LHP_OK);
    CHECK_IS(lhp_process_function("die", pool_die), LHP_OK);
    CHECK_IS(lhp_process_function("sleep", pool_sleep), LHP_OK);
    RUN(exit_codes_and_signals);
    RUN(messages_keep_their_bounds);
    RUN(pool_answers);
    RUN(dead_worker_breaks_an_executor);
    RUN(pool_replaces_dead_workers);
    RUN(failed_initializer_breaks_the_pool);
    RUN(left_pool_ends_with_the_process);
    return 0;
}
