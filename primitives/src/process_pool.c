#include "pool_manager.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

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
        ok = lhp_pool_spawn(pool, i);
    pool->manager = lhp_thread_new(lhp_pool_manage, pool,
                                   &(struct lhp_thread_options){.name = "PoolManager", .daemon = LHP_DAEMON_NO});
    if (ok && pool->manager && pool_register(pool) && lhp_thread_start(pool->manager) == LHP_OK)
        return pool;
    int err = errno;
    pool_unregister(pool);
    lhp_pool_break(pool);
    pool_free(pool);
    errno = err;
    return NULL;
}

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
        lhp_pool_wake(pool);
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
        lhp_pool_task_delete(t);
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
    while (cancel_futures && (t = lhp_pool_take_pending(pool))) {
        lhp_future_cancel(t->future);
        lhp_pool_task_delete(t);
    }
    lhp_pool_wake(pool);
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
    while ((t = lhp_pool_take_pending(pool)))
        lhp_pool_task_fail(t, LHP_BROKEN);
    lhp_pool_wake(pool);
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
