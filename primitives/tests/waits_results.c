/* waits_results.c: the waits for items, results, ends of threads and processes, and messages, as a table. */
#include "waits.h"

#include <sys/socket.h>

#include <lhp/connection.h>
#include <lhp/event.h>
#include <lhp/executor.h>
#include <lhp/process.h>
#include <lhp/process_pool.h>
#include <lhp/queue.h>
#include <lhp/thread.h>
#include <lhp/timer.h>

static struct lhp_event event; /* what tasks and threads wait for */

static void event_let_go(void)
{
    lhp_event_set(&event);
}

/* ---- Queue ------------------------------------------------------------------------------------------------------- */

static struct lhp_queue queue;

static void queue_open(void)
{
    CHECK_IS(lhp_queue_init(&queue, LHP_QUEUE_FIFO, 0, NULL, NULL), LHP_OK);
}

static void full_queue_open(void)
{
    CHECK_IS(lhp_queue_init(&queue, LHP_QUEUE_FIFO, 1, NULL, NULL), LHP_OK);
    CHECK_IS(lhp_queue_put(&queue, &queue), LHP_OK);
}

static void queue_close(void)
{
    CHECK(queue.getters.asleep == 0 && queue.putters.asleep == 0); /* nor is a cancelled one counted */
    lhp_queue_destroy(&queue);
}

static enum lhp_status queue_wait_get(int64_t timeout_ns)
{
    void *item;
    return lhp_queue_get_for(&queue, &item, timeout_ns);
}

static enum lhp_status queue_wait_put(int64_t timeout_ns)
{
    return lhp_queue_put_for(&queue, &queue, timeout_ns);
}

static enum lhp_status queue_wait_done(int64_t timeout_ns)
{
    return lhp_queue_join_for(&queue, timeout_ns);
}

static void queue_let_get(void)
{
    CHECK_IS(lhp_queue_put(&queue, &queue), LHP_OK);
}

/* Gets, so that there is room for one. */
static void queue_let_put(void)
{
    void *item;
    CHECK_IS(lhp_queue_get(&queue, &item), LHP_OK);
}

static void queue_let_join(void)
{
    queue_let_put();
    CHECK_IS(lhp_queue_task_done(&queue), LHP_OK);
}

/* ---- futures ----------------------------------------------------------------------------------------------------- */

static struct lhp_future *future;
static struct lhp_as_completed *completions;
static struct lhp_executor *executor;
static struct lhp_map *map;

static void future_open(void)
{
    CHECK((future = lhp_future_new()));
}

static void future_close(void)
{
    lhp_future_release(future);
}

static enum lhp_status future_wait(int64_t timeout_ns)
{
    return lhp_future_result_for(future, timeout_ns, NULL);
}

static enum lhp_status futures_wait(int64_t timeout_ns)
{
    return lhp_futures_wait(&future, 1, LHP_ALL_COMPLETED, timeout_ns);
}

static void future_let_go(void)
{
    CHECK_IS(lhp_future_set_result(future, NULL, NULL), LHP_OK);
}

/* The iteration's limit counts from its beginning: a short one gets an iteration of its own. */
static void completions_open(void)
{
    future_open();
    CHECK((completions = lhp_as_completed_new(&future, 1, LHP_FOREVER)));
}

static void completions_close(void)
{
    lhp_as_completed_release(completions);
    future_close();
}

static enum lhp_status completions_wait(int64_t timeout_ns)
{
    struct lhp_future *next;
    if (timeout_ns == LHP_FOREVER || timeout_ns >= LHP_SECONDS(1))
        return lhp_as_completed_next(completions, &next);
    struct lhp_as_completed *limited = lhp_as_completed_new(&future, 1, timeout_ns);
    CHECK(limited);
    enum lhp_status status = lhp_as_completed_next(limited, &next);
    lhp_as_completed_release(limited);
    return status;
}

static int wait_for_event(void *arg, void **result)
{
    lhp_event_wait(&event);
    *result = arg;
    return 0;
}

static void map_open(void)
{
    void *item = &map;
    lhp_event_init(&event);
    CHECK((executor = lhp_executor_new(&(struct lhp_executor_options){.max_workers = 1})));
    CHECK_IS(lhp_executor_map(executor, wait_for_event, &item, 1, 1, &map), LHP_OK);
}

static void map_close(void)
{
    lhp_event_set(&event);
    lhp_map_release(map);
    lhp_executor_delete(executor);
    lhp_event_destroy(&event);
}

static enum lhp_status map_wait(int64_t timeout_ns)
{
    void *result = NULL;
    enum lhp_status status = lhp_map_next_for(map, timeout_ns, &result);
    CHECK(status != LHP_OK || result == &map);
    return status;
}

static enum lhp_status executor_wait(int64_t timeout_ns)
{
    (void)timeout_ns;
    return lhp_executor_shutdown(executor, true, false);
}

/* ---- joins ------------------------------------------------------------------------------------------------------- */

static struct lhp_thread *thread;
static struct lhp_timer *timer;
static struct lhp_process *process;
static struct lhp_connection ours, theirs;

static int thread_body(void *arg)
{
    (void)arg;
    lhp_event_wait(&event);
    return 0;
}

static void thread_open(void)
{
    lhp_event_init(&event);
    CHECK((thread = lhp_thread_new(thread_body, NULL, NULL)));
    CHECK_IS(lhp_thread_start(thread), LHP_OK);
}

static void thread_close(void)
{
    lhp_event_set(&event);
    CHECK_IS(lhp_thread_join(thread), LHP_OK);
    lhp_thread_release(thread);
    lhp_event_destroy(&event);
}

static enum lhp_status thread_wait(int64_t timeout_ns)
{
    return lhp_thread_join_for(thread, timeout_ns);
}

static void timer_fn(void *arg)
{
    (void)arg;
    lhp_event_wait(&event);
}

static void timer_open(void)
{
    lhp_event_init(&event);
    CHECK((timer = lhp_timer_new(0, timer_fn, NULL)));
    CHECK_IS(lhp_timer_start(timer), LHP_OK);
}

static void timer_close(void)
{
    lhp_event_set(&event);
    CHECK_IS(lhp_timer_join(timer), LHP_OK);
    lhp_timer_release(timer);
    lhp_event_destroy(&event);
}

static enum lhp_status timer_wait(int64_t timeout_ns)
{
    return timeout_ns == LHP_FOREVER ? lhp_timer_join(timer) : lhp_timer_join_for(timer, timeout_ns);
}

static void connection_open(void)
{
    CHECK_IS(lhp_connection_pair(&ours, &theirs, true), LHP_OK);
}

static void connection_close(void)
{
    lhp_connection_close(&ours);
    lhp_connection_close(&theirs);
}

static void connection_let_recv(void)
{
    CHECK_IS(lhp_connection_send(&theirs, "x", 1), LHP_OK);
}

static int process_body(void *arg)
{
    char byte;
    size_t size;
    (void)arg;
    lhp_connection_close(&theirs);
    return lhp_connection_recv(&ours, &byte, 1, &size) == LHP_EOF ? 0 : 1;
}

static void process_open(void)
{
    connection_open();
    CHECK((process = lhp_process_new(process_body, NULL, NULL)));
    CHECK_IS(lhp_process_start(process), LHP_OK);
}

static enum lhp_status process_wait(int64_t timeout_ns)
{
    return lhp_process_join_for(process, timeout_ns);
}

static void process_let_go(void)
{
    lhp_connection_close(&theirs);
}

static void process_close(void)
{
    int code = 1;
    connection_close();
    CHECK_IS(lhp_process_join(process), LHP_OK);
    CHECK(lhp_process_exitcode(process, &code) == LHP_OK && code == 0);
    CHECK_IS(lhp_process_close(process), LHP_OK);
}

static struct lhp_process_pool *pool;

static int pool_task(const void *argument, size_t size, void **result, size_t *result_size)
{
    char byte;
    (void)argument, (void)size, (void)result, (void)result_size;
    return lhp_connection_recv(&ours, &byte, 1, &size) == LHP_OK ? 0 : 1;
}

static void pool_open(void)
{
    connection_open();
    CHECK_IS(lhp_process_function("wait", pool_task), LHP_OK);
    CHECK((pool = lhp_process_pool_new(&(struct lhp_process_pool_options){.workers = 1})));
    CHECK_IS(lhp_process_pool_submit(pool, "wait", NULL, 0, NULL), LHP_OK);
}

static enum lhp_status pool_wait(int64_t timeout_ns)
{
    (void)timeout_ns;
    lhp_process_pool_shutdown(pool, true, false);
    return LHP_OK;
}

static void pool_close(void)
{
    lhp_process_pool_delete(pool);
    connection_close();
}

/* ---- connections ------------------------------------------------------------------------------------------------- */

static enum lhp_status connection_wait_poll(int64_t timeout_ns)
{
    return lhp_connection_poll(&ours, timeout_ns);
}

static enum lhp_status connection_wait_recv(int64_t timeout_ns)
{
    char byte = 0;
    size_t size;
    (void)timeout_ns;
    enum lhp_status status = lhp_connection_recv(&ours, &byte, 1, &size);
    CHECK(status != LHP_OK || (byte == 'x' && size == 1));
    return status;
}

static void full_connection_open(void)
{
    static const char bytes[4096];
    connection_open();
    while (send(ours.fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
        ;
}

static enum lhp_status connection_wait_send(int64_t timeout_ns)
{
    (void)timeout_ns;
    return lhp_connection_send(&ours, "x", 1);
}

static void connection_let_send(void)
{
    char bytes[4096];
    while (recv(theirs.fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
        ;
}

/* Name, open, close, wait, let_go, leave, mend, late, reach, cancellable, forgets, undo. */
const struct wait_kind result_waits[] = {
    {"Queue, get", queue_open, queue_close, queue_wait_get, queue_let_get, NULL, NULL, LHP_EMPTY, REACHES_ONE, true,
     false, NULL},
    {"Queue, put", full_queue_open, queue_close, queue_wait_put, queue_let_put, NULL, NULL, LHP_FULL, REACHES_ONE, true,
     false, NULL},
    {"Queue, join", full_queue_open, queue_close, queue_wait_done, queue_let_join, NULL, NULL, LHP_TIMEOUT, REACHES_ALL,
     true, false, NULL},
    {"Future", future_open, future_close, future_wait, future_let_go, NULL, NULL, LHP_TIMEOUT, REACHES_ALL, true, false,
     NULL},
    {"futures, wait", future_open, future_close, futures_wait, future_let_go, NULL, NULL, LHP_TIMEOUT, REACHES_ALL,
     true, false, NULL},
    {"futures, as completed", completions_open, completions_close, completions_wait, future_let_go, NULL, NULL,
     LHP_TIMEOUT, REACHES_SOLE, true, false, NULL},
    {"map", map_open, map_close, map_wait, event_let_go, NULL, NULL, LHP_TIMEOUT, REACHES_SOLE, true, false, NULL},
    {"executor, shutdown", map_open, map_close, executor_wait, event_let_go, NULL, NULL, LHP_OK, REACHES_ALL, true,
     false, NULL},
    {"Thread", thread_open, thread_close, thread_wait, event_let_go, NULL, NULL, LHP_TIMEOUT, REACHES_ALL, true, false,
     NULL},
    {"Timer", timer_open, timer_close, timer_wait, event_let_go, NULL, NULL, LHP_TIMEOUT, REACHES_ALL, true, false,
     NULL},
    {"Process", process_open, process_close, process_wait, process_let_go, NULL, NULL, LHP_TIMEOUT, REACHES_ALL, true,
     false, NULL},
    {"process pool, shutdown", pool_open, pool_close, pool_wait, connection_let_recv, NULL, NULL, LHP_OK, REACHES_ALL,
     true, false, NULL},
    {"Connection, poll", connection_open, connection_close, connection_wait_poll, connection_let_recv, NULL, NULL,
     LHP_TIMEOUT, REACHES_ALL, true, false, NULL},
    {"Connection, recv", connection_open, connection_close, connection_wait_recv, connection_let_recv, NULL, NULL,
     LHP_OK, REACHES_SOLE, true, false, NULL},
    {"Connection, send", full_connection_open, connection_close, connection_wait_send, connection_let_send, NULL, NULL,
     LHP_OK, REACHES_SOLE, true, false, NULL},
};

const size_t result_waits_count = sizeof(result_waits) / sizeof(result_waits[0]);
