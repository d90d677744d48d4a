#include <lhp/executor.h>
#include <lhp/queue.h>
#include <lhp/thread.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct work {
    struct lhp_future *future;
    lhp_task *fn;
    void *arg;
};

struct lhp_executor {
    struct lhp_queue queue;
    char name[20];
    int (*initializer)(void *arg);
    void *initializer_arg;
    unsigned max_workers;
    pthread_mutex_t mutex; /* guards what follows; taken before the queue's */
    long idle;             /* workers ready for a task minus tasks not taken */
    bool shut_down, broken;
    unsigned worker_count;
    struct lhp_thread **workers;
    struct lhp_executor *prev, *next; /* all of the process, guarded by `all_mutex` */
};

static pthread_mutex_t all_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct lhp_executor *all;
static pid_t all_registered_in; /* the process whose exit has been told of the list */

static void all_lock(void)
{
    pthread_mutex_lock(&all_mutex);
}

static void all_unlock(void)
{
    pthread_mutex_unlock(&all_mutex);
}

/* The parent's executors are none of the child's business: their workers are not there. */
static void all_forget(void)
{
    all = NULL;
    pthread_mutex_unlock(&all_mutex);
}

__attribute__((constructor)) static void executor_module_init(void)
{
    pthread_atfork(all_lock, all_unlock, all_forget);
}

static void executors_leave(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&all_mutex);
    for (struct lhp_executor *e = all; e; e = e->next)
        lhp_executor_shutdown(e, false, false);
    pthread_mutex_unlock(&all_mutex);
}

static bool executor_register(struct lhp_executor *e)
{
    bool ok = true;
    pthread_mutex_lock(&all_mutex);
    if (all_registered_in != getpid()) {
        ok = lhp_thread_at_shutdown(executors_leave, NULL) == LHP_OK;
        all_registered_in = getpid();
    }
    e->next = all;
    if (e->next)
        e->next->prev = e;
    all = e;
    pthread_mutex_unlock(&all_mutex);
    return ok;
}

static void executor_unregister(struct lhp_executor *e)
{
    pthread_mutex_lock(&all_mutex);
    if (e->prev)
        e->prev->next = e->next;
    else
        all = e->next;
    if (e->next)
        e->next->prev = e->prev;
    pthread_mutex_unlock(&all_mutex);
}

static unsigned default_workers(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors < 1 ? 5 : processors > 28 ? 32 : (unsigned)processors + 4;
}

static void executor_free(struct lhp_executor *e)
{
    free(e->workers);
    lhp_queue_destroy(&e->queue);
    pthread_mutex_destroy(&e->mutex);
    free(e);
}

struct lhp_executor *lhp_executor_new(const struct lhp_executor_options *options)
{
    static const struct lhp_executor_options defaults;
    const struct lhp_executor_options *o = options ? options : &defaults;
    struct lhp_executor *e = calloc(1, sizeof(*e));
    if (!e)
        return NULL;
    e->max_workers = o->max_workers ? o->max_workers : default_workers();
    e->initializer = o->initializer;
    e->initializer_arg = o->initializer_arg;
    snprintf(e->name, sizeof(e->name), "%s", o->name ? o->name : "Executor");
    pthread_mutex_init(&e->mutex, NULL);
    e->workers = calloc(e->max_workers, sizeof(struct lhp_thread *));
    if (lhp_queue_init(&e->queue, LHP_QUEUE_FIFO, 0, NULL, NULL) != LHP_OK || !e->workers || !executor_register(e)) {
        executor_free(e);
        return NULL;
    }
    return e;
}

static void work_run(struct work *w)
{
    if (lhp_future_set_running(w->future)) {
        void *result = NULL;
        int error = w->fn(w->arg, &result);
        if (error)
            lhp_future_set_error(w->future, LHP_FAILED, error);
        else
            lhp_future_set_result(w->future, result, NULL);
    }
    lhp_future_release(w->future);
    free(w);
}

/* Ends the futures of everything that has not begun. */
static void executor_drain(struct lhp_executor *e, bool broken)
{
    void *item;
    while (lhp_queue_try_get(&e->queue, &item) == LHP_OK) {
        struct work *w = item;
        if (broken)
            lhp_future_set_error(w->future, LHP_BROKEN, 0);
        else
            lhp_future_cancel(w->future);
        lhp_future_release(w->future);
        free(w);
    }
}

/* Every look for work counts, every submission counts against it: `idle` is exact at any moment, whoever gets what. */
static enum lhp_status worker_next(struct lhp_executor *e, void **item)
{
    pthread_mutex_lock(&e->mutex);
    e->idle++;
    pthread_mutex_unlock(&e->mutex);
    return lhp_queue_get(&e->queue, item);
}

static int worker_body(void *arg)
{
    struct lhp_executor *e = arg;
    void *item;
    if (e->initializer && e->initializer(e->initializer_arg) != 0) {
        pthread_mutex_lock(&e->mutex);
        e->broken = true;
        pthread_mutex_unlock(&e->mutex);
        executor_drain(e, true);
        return 0;
    }
    while (worker_next(e, &item) == LHP_OK)
        work_run(item);
    return 0;
}

/* With the mutex held.  Returns: whether there is a worker for one more task, perhaps a busy one. */
static bool executor_find_worker(struct lhp_executor *e)
{
    if (e->idle > 0 || e->worker_count == e->max_workers)
        return true;
    char name[32];
    snprintf(name, sizeof(name), "%s-%u", e->name, e->worker_count);
    struct lhp_thread_options options = {.name = name, .daemon = LHP_DAEMON_NO};
    struct lhp_thread *worker = lhp_thread_new(worker_body, e, &options);
    if (!worker)
        return e->worker_count > 0;
    if (lhp_thread_start(worker) != LHP_OK) {
        lhp_thread_release(worker);
        return e->worker_count > 0;
    }
    e->workers[e->worker_count++] = worker;
    return true;
}

static enum lhp_status executor_enqueue(struct lhp_executor *e, struct work *w)
{
    enum lhp_status status;
    pthread_mutex_lock(&e->mutex);
    if (e->shut_down)
        status = LHP_SHUT_DOWN;
    else if (e->broken)
        status = LHP_BROKEN;
    else if (!executor_find_worker(e))
        status = LHP_SYSTEM;
    else if ((status = lhp_queue_put(&e->queue, w)) == LHP_OK)
        e->idle--;
    pthread_mutex_unlock(&e->mutex);
    return status;
}

enum lhp_status lhp_executor_submit(struct lhp_executor *executor, lhp_task *fn, void *arg, struct lhp_future **future)
{
    struct work *w = malloc(sizeof(*w));
    struct lhp_future *f = w ? lhp_future_new() : NULL;
    if (!f) {
        free(w);
        return LHP_NO_MEMORY;
    }
    *w = (struct work){f, fn, arg};
    if (future)
        *future = lhp_future_retain(f);
    enum lhp_status status = executor_enqueue(executor, w);
    if (status != LHP_OK) {
        if (future) {
            lhp_future_release(f);
            *future = NULL;
        }
        lhp_future_release(f);
        free(w);
        return status;
    }
    /* A worker whose initializer failed in between has perhaps drained the queue already. */
    pthread_mutex_lock(&executor->mutex);
    bool broken = executor->broken;
    pthread_mutex_unlock(&executor->mutex);
    if (broken)
        executor_drain(executor, true);
    return LHP_OK;
}

/* Workers never change once shut down, so the array is read without the mutex. */
static enum lhp_status executor_join(struct lhp_executor *e)
{
    for (unsigned i = 0; i < e->worker_count; i++)
        if (e->workers[i] == lhp_thread_current())
            return LHP_DEADLOCK;
    for (unsigned i = 0; i < e->worker_count; i++)
        lhp_thread_join(e->workers[i]);
    return LHP_OK;
}

enum lhp_status lhp_executor_shutdown(struct lhp_executor *executor, bool wait, bool cancel_futures)
{
    pthread_mutex_lock(&executor->mutex);
    executor->shut_down = true;
    pthread_mutex_unlock(&executor->mutex);
    if (cancel_futures)
        executor_drain(executor, false);
    lhp_queue_shutdown(&executor->queue, false);
    return wait ? executor_join(executor) : LHP_OK;
}

void lhp_executor_delete(struct lhp_executor *executor)
{
    lhp_executor_shutdown(executor, true, false);
    executor_unregister(executor);
    for (unsigned i = 0; i < executor->worker_count; i++)
        lhp_thread_release(executor->workers[i]);
    executor_free(executor);
}

unsigned lhp_executor_workers(struct lhp_executor *executor)
{
    pthread_mutex_lock(&executor->mutex);
    unsigned count = executor->worker_count;
    pthread_mutex_unlock(&executor->mutex);
    return count;
}
