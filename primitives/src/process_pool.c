#include <lhp/process.h>
#include <lhp/process_pool.h>
#include <lhp/thread.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "pool_worker.h"

/* A task: its request as it goes over the wire, and the future it answers to. */
struct task {
    struct task *next;
    struct lhp_future *future;
    size_t size;
    struct pool_request request; /* followed by the argument */
};

struct worker {
    struct lhp_process *process; /* NULL when there is none */
    struct task *task;           /* what it works on */
    bool ready;
};

struct lhp_process_pool {
    unsigned count;
    int functions; /* registered before the workers were forked */
    int (*initializer)(void *arg);
    void *initializer_arg;
    struct lhp_connection *ends; /* the parent's, one a worker; the manager's alone */
    int wake;                    /* an eventfd: submissions and shutdown tell the manager */
    struct lhp_thread *manager;
    pthread_mutex_t mutex; /* guards what follows */
    struct worker *workers;
    struct task *pending, **last_pending;
    uint64_t next_id;
    bool shut_down, broken, terminated, respawn;
    bool left; /* shut down at exit, guarded by `pools.mutex` as is the list */
    struct lhp_process_pool *prev, *next;
};

static struct {
    pthread_mutex_t mutex;
    struct lhp_process_pool *first;
    pid_t told_exit_of;
} pools = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void pools_lock(void)
{
    pthread_mutex_lock(&pools.mutex);
}

static void pools_unlock(void)
{
    pthread_mutex_unlock(&pools.mutex);
}

static void pools_forget(void)
{
    pools.first = NULL;
    pthread_mutex_unlock(&pools.mutex);
}

__attribute__((constructor)) static void pool_module_init(void)
{
    pthread_atfork(pools_lock, pools_unlock, pools_forget);
}

/* ---- tasks ------------------------------------------------------------------------------------------------------ */

static struct task *task_new(int function, const void *argument, size_t size)
{
    struct task *t = malloc(sizeof(*t) + size);
    struct lhp_future *f = t ? lhp_future_new() : NULL;
    if (!f) {
        free(t);
        return NULL;
    }
    *t = (struct task){.future = f, .size = sizeof(t->request) + size, .request = {.function = (uint32_t)function}};
    if (size)
        memcpy(&t->request + 1, argument, size);
    return t;
}

static void task_delete(struct task *t)
{
    lhp_future_release(t->future);
    free(t);
}

static void task_fail(struct task *t, enum lhp_status outcome)
{
    lhp_future_set_error(t->future, outcome, 0);
    task_delete(t);
}

static void task_finish(struct task *t, const struct pool_answer *answer, const void *result, size_t size)
{
    struct lhp_bytes *bytes = answer->error ? NULL : malloc(sizeof(*bytes) + size);
    if (answer->error) {
        lhp_future_set_error(t->future, LHP_FAILED, answer->error);
    } else if (!bytes) {
        lhp_future_set_error(t->future, LHP_NO_MEMORY, 0);
    } else {
        bytes->size = size;
        memcpy(bytes->data, result, size);
        lhp_future_set_result(t->future, bytes, free);
    }
    task_delete(t);
}

static struct task *pool_take_pending(struct lhp_process_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    struct task *t = pool->pending;
    if (t && !(pool->pending = t->next))
        pool->last_pending = &pool->pending;
    pthread_mutex_unlock(&pool->mutex);
    return t;
}

/* ---- workers: by new() before the manager exists, then by the manager alone --------------------------------------- */

static bool worker_spawn(struct lhp_process_pool *pool, unsigned i)
{
    struct lhp_connection ours, theirs;
    if (lhp_connection_pair(&ours, &theirs, true) != LHP_OK)
        return false;
    pool->ends[i] = ours;
    struct pool_worker_start start = {theirs, pool->ends, pool->count, pool->initializer, pool->initializer_arg};
    struct lhp_process_options options = {.name = "PoolWorker", .daemon = true};
    struct lhp_process *p = lhp_process_new(lhp_pool_worker_body, &start, &options);
    bool started = p && lhp_process_start(p) == LHP_OK;
    lhp_connection_close(&theirs);
    if (!started) {
        if (p)
            lhp_process_close(p);
        lhp_connection_close(&pool->ends[i]);
        return false;
    }
    pthread_mutex_lock(&pool->mutex);
    pool->workers[i] = (struct worker){.process = p};
    pthread_mutex_unlock(&pool->mutex);
    return true;
}

static void worker_remove(struct lhp_process_pool *pool, unsigned i)
{
    lhp_connection_close(&pool->ends[i]);
    pthread_mutex_lock(&pool->mutex);
    struct lhp_process *p = pool->workers[i].process;
    pool->workers[i].process = NULL;
    pthread_mutex_unlock(&pool->mutex);
    lhp_process_join(p);
    lhp_process_close(p);
}

/* Fails everything that is not done and lets the other workers go. */
static void pool_break(struct lhp_process_pool *pool)
{
    struct task *t;
    pthread_mutex_lock(&pool->mutex);
    pool->broken = true;
    pthread_mutex_unlock(&pool->mutex);
    while ((t = pool_take_pending(pool)))
        task_fail(t, LHP_BROKEN);
    for (unsigned i = 0; i < pool->count; i++) {
        if (!pool->workers[i].process)
            continue;
        if (pool->workers[i].task)
            task_fail(pool->workers[i].task, LHP_BROKEN);
        lhp_process_kill(pool->workers[i].process);
        worker_remove(pool, i);
    }
}

static void worker_died(struct lhp_process_pool *pool, unsigned i)
{
    struct task *t = pool->workers[i].task;
    bool ready = pool->workers[i].ready;
    lhp_process_kill(pool->workers[i].process); /* an end closed by a worker that lives on is a death as well */
    worker_remove(pool, i);
    pthread_mutex_lock(&pool->mutex);
    bool terminated = pool->terminated, respawn = pool->respawn && !terminated && ready;
    pthread_mutex_unlock(&pool->mutex);
    if (t)
        task_fail(t, terminated ? LHP_BROKEN : LHP_WORKER_DIED);
    if (!respawn || !worker_spawn(pool, i))
        pool_break(pool);
}

/* One message from worker `i`, or its end. */
static void worker_hear(struct lhp_process_pool *pool, unsigned i)
{
    struct worker *w = &pool->workers[i];
    struct pool_answer head;
    void *message;
    size_t size;
    enum lhp_status status = lhp_connection_recv_new(&pool->ends[i], &message, &size);
    if (status != LHP_OK || size < sizeof(head)) {
        free(message);
        worker_died(pool, i);
        return;
    }
    memcpy(&head, message, sizeof(head));
    if (head.id == 0) {
        w->ready = true;
    } else if (w->task && w->task->request.id == head.id) {
        struct task *t = w->task;
        w->task = NULL;
        task_finish(t, &head, (unsigned char *)message + sizeof(head), size - sizeof(head));
    }
    free(message);
}

/* ---- the manager ------------------------------------------------------------------------------------------------ */

/* Gives worker `i` the next task that nobody has cancelled.  Returns: whether there was one. */
static bool worker_feed(struct lhp_process_pool *pool, unsigned i)
{
    struct task *t;
    while ((t = pool_take_pending(pool)) && !lhp_future_set_running(t->future))
        task_delete(t);
    if (!t)
        return false;
    pool->workers[i].task = t;
    if (lhp_connection_send(&pool->ends[i], &t->request, t->size) != LHP_OK)
        worker_died(pool, i);
    return true;
}

static bool worker_is_free(const struct worker *w)
{
    return w->process && w->ready && !w->task;
}

static void manager_dispatch(struct lhp_process_pool *pool)
{
    for (unsigned i = 0; i < pool->count; i++)
        if (worker_is_free(&pool->workers[i]) && !worker_feed(pool, i))
            return;
}

static bool manager_may_leave(struct lhp_process_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    bool done = pool->shut_down && !pool->pending;
    pthread_mutex_unlock(&pool->mutex);
    for (unsigned i = 0; i < pool->count && done; i++)
        done = !pool->workers[i].process || !pool->workers[i].task;
    return done;
}

static void manager_poll(struct lhp_process_pool *pool, struct pollfd *fds)
{
    /* A descriptor of a dead worker may live on in a process forked elsewhere, and hide the end of file: look at the
     * processes themselves now and then. */
    enum { LOOK_MS = 200 };
    fds[pool->count] = (struct pollfd){.fd = pool->wake, .events = POLLIN};
    for (unsigned i = 0; i < pool->count; i++)
        fds[i] = (struct pollfd){.fd = pool->workers[i].process ? pool->ends[i].fd : -1, .events = POLLIN};
    int n = poll(fds, pool->count + 1, LOOK_MS);
    if (n > 0 && fds[pool->count].revents) {
        uint64_t times;
        (void)!read(pool->wake, &times, sizeof(times));
    }
    for (unsigned i = 0; i < pool->count; i++) {
        if (!pool->workers[i].process)
            continue;
        if (n > 0 && fds[i].fd == pool->ends[i].fd && fds[i].revents)
            worker_hear(pool, i);
        else if (n == 0 && !lhp_process_is_alive(pool->workers[i].process))
            worker_died(pool, i);
    }
}

static void manager_send_home(struct lhp_process_pool *pool)
{
    for (unsigned i = 0; i < pool->count; i++) {
        if (!pool->workers[i].process)
            continue;
        (void)!lhp_connection_send(&pool->ends[i], "", 0);
        worker_remove(pool, i);
    }
}

static int manager_body(void *arg)
{
    struct lhp_process_pool *pool = arg;
    struct pollfd *fds = calloc(pool->count + 1, sizeof(*fds));
    if (!fds)
        pool_break(pool);
    while (fds && !manager_may_leave(pool)) {
        manager_dispatch(pool);
        manager_poll(pool, fds);
    }
    manager_send_home(pool);
    free(fds);
    return 0;
}

static void manager_wake(struct lhp_process_pool *pool)
{
    int cancel;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    (void)!write(pool->wake, &(uint64_t){1}, sizeof(uint64_t));
    pthread_setcancelstate(cancel, NULL);
}

/* ---- the pool --------------------------------------------------------------------------------------------------- */

/* The list must not stay locked during the wait: a manager that respawns forks, and fork takes it. */
static struct lhp_process_pool *pools_next_to_leave(void)
{
    pools_lock();
    struct lhp_process_pool *p = pools.first;
    while (p && p->left)
        p = p->next;
    if (p)
        p->left = true;
    pools_unlock();
    return p;
}

static void pools_leave(void *arg)
{
    struct lhp_process_pool *p;
    (void)arg;
    while ((p = pools_next_to_leave()))
        lhp_process_pool_shutdown(p, true, false);
}

static bool pool_register(struct lhp_process_pool *pool)
{
    bool ok = true;
    pools_lock();
    if (pools.told_exit_of != getpid()) {
        ok = lhp_thread_at_shutdown(pools_leave, NULL) == LHP_OK;
        pools.told_exit_of = getpid();
    }
    pool->next = pools.first;
    if (pool->next)
        pool->next->prev = pool;
    pools.first = pool;
    pools_unlock();
    return ok;
}

static void pool_unregister(struct lhp_process_pool *pool)
{
    pools_lock();
    if (pool->prev)
        pool->prev->next = pool->next;
    else if (pools.first == pool)
        pools.first = pool->next;
    if (pool->next)
        pool->next->prev = pool->prev;
    pools_unlock();
}

static void pool_free(struct lhp_process_pool *pool)
{
    if (pool->wake >= 0)
        close(pool->wake);
    if (pool->manager)
        lhp_thread_release(pool->manager);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->ends);
    free(pool->workers);
    free(pool);
}

static struct lhp_process_pool *pool_alloc(const struct lhp_process_pool_options *o)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct lhp_process_pool *pool = calloc(1, sizeof(*pool));
    if (!pool)
        return NULL;
    pool->count = o->workers ? o->workers : processors > 0 ? (unsigned)processors : 1;
    pool->functions = lhp_pool_function_count();
    pool->respawn = o->respawn;
    pool->initializer = o->initializer;
    pool->initializer_arg = o->initializer_arg;
    pool->last_pending = &pool->pending;
    pthread_mutex_init(&pool->mutex, NULL);
    pool->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pool->ends = calloc(pool->count, sizeof(*pool->ends));
    pool->workers = calloc(pool->count, sizeof(*pool->workers));
    if (pool->wake < 0 || !pool->ends || !pool->workers) {
        pool_free(pool);
        return NULL;
    }
    for (unsigned i = 0; i < pool->count; i++)
        pool->ends[i].fd = -1;
    return pool;
}

struct lhp_process_pool *lhp_process_pool_new(const struct lhp_process_pool_options *options)
{
    static const struct lhp_process_pool_options defaults;
    struct lhp_process_pool *pool = pool_alloc(options ? options : &defaults);
    if (!pool)
        return NULL;
    bool ok = true;
    for (unsigned i = 0; i < pool->count && ok; i++)
        ok = worker_spawn(pool, i);
    pool->manager = lhp_thread_new(manager_body, pool,
                                   &(struct lhp_thread_options){.name = "PoolManager", .daemon = LHP_DAEMON_NO});
    if (ok && pool->manager && pool_register(pool) && lhp_thread_start(pool->manager) == LHP_OK)
        return pool;
    int err = errno;
    pool_unregister(pool);
    pool_break(pool);
    pool_free(pool);
    errno = err;
    return NULL;
}

static enum lhp_status pool_enqueue(struct lhp_process_pool *pool, struct task *t)
{
    enum lhp_status status = LHP_OK;
    pthread_mutex_lock(&pool->mutex);
    if (pool->shut_down) {
        status = LHP_SHUT_DOWN;
    } else if (pool->broken) {
        status = LHP_BROKEN;
    } else {
        t->request.id = ++pool->next_id;
        *pool->last_pending = t;
        pool->last_pending = &t->next;
    }
    pthread_mutex_unlock(&pool->mutex);
    if (status == LHP_OK)
        manager_wake(pool);
    return status;
}

enum lhp_status lhp_process_pool_submit(struct lhp_process_pool *pool, const char *function, const void *argument,
                                        size_t size, struct lhp_future **future)
{
    int number = lhp_pool_find_function(function);
    if (number < 0 || number >= pool->functions)
        return LHP_INVALID;
    struct task *t = task_new(number, argument, size);
    if (!t)
        return LHP_NO_MEMORY;
    struct lhp_future *f = lhp_future_retain(t->future);
    enum lhp_status status = pool_enqueue(pool, t);
    if (status != LHP_OK)
        task_delete(t);
    if (status == LHP_OK && future)
        *future = f;
    else
        lhp_future_release(f);
    return status;
}

enum lhp_status lhp_process_pool_map(struct lhp_process_pool *pool, const char *function, const void *items,
                                     size_t item_size, size_t n, struct lhp_future **futures)
{
    const unsigned char *item = items;
    for (size_t i = 0; i < n; i++, item += item_size) {
        enum lhp_status status = lhp_process_pool_submit(pool, function, item, item_size, &futures[i]);
        if (status == LHP_OK)
            continue;
        while (i-- > 0) {
            lhp_future_cancel(futures[i]);
            lhp_future_release(futures[i]);
        }
        return status;
    }
    return LHP_OK;
}

void lhp_process_pool_shutdown(struct lhp_process_pool *pool, bool wait, bool cancel_futures)
{
    struct task *t;
    pthread_mutex_lock(&pool->mutex);
    pool->shut_down = true;
    pthread_mutex_unlock(&pool->mutex);
    while (cancel_futures && (t = pool_take_pending(pool))) {
        lhp_future_cancel(t->future);
        task_delete(t);
    }
    manager_wake(pool);
    if (wait)
        lhp_thread_join(pool->manager);
}

void lhp_process_pool_terminate(struct lhp_process_pool *pool)
{
    struct task *t;
    pthread_mutex_lock(&pool->mutex);
    pool->shut_down = true;
    pool->terminated = true;
    for (unsigned i = 0; i < pool->count; i++)
        if (pool->workers[i].process)
            lhp_process_kill(pool->workers[i].process);
    pthread_mutex_unlock(&pool->mutex);
    while ((t = pool_take_pending(pool)))
        task_fail(t, LHP_BROKEN);
    manager_wake(pool);
}

void lhp_process_pool_delete(struct lhp_process_pool *pool)
{
    lhp_process_pool_shutdown(pool, true, false);
    pool_unregister(pool);
    pool_free(pool);
}

size_t lhp_process_pool_workers(struct lhp_process_pool *pool, pid_t *pids, size_t capacity)
{
    size_t n = 0;
    pthread_mutex_lock(&pool->mutex);
    for (unsigned i = 0; i < pool->count; i++) {
        if (!pool->workers[i].process)
            continue;
        if (n < capacity)
            pids[n] = lhp_process_pid(pool->workers[i].process);
        n++;
    }
    pthread_mutex_unlock(&pool->mutex);
    return n;
}
