#include "pool_manager.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- tasks ------------------------------------------------------------------------------------------------------ */

void lhp_pool_task_delete(struct task *t)
{
    lhp_future_release(t->future);
    free(t);
}

void lhp_pool_task_fail(struct task *t, enum lhp_status outcome)
{
    lhp_future_set_error(t->future, outcome, 0);
    lhp_pool_task_delete(t);
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
    lhp_pool_task_delete(t);
}

struct task *lhp_pool_take_pending(struct lhp_process_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    struct task *t = pool->pending;
    if (t && !(pool->pending = t->next))
        pool->last_pending = &pool->pending;
    pthread_mutex_unlock(&pool->mutex);
    return t;
}

/* ---- workers: by new() before the manager exists, then by the manager alone --------------------------------------- */

bool lhp_pool_spawn(struct lhp_process_pool *pool, unsigned i)
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

void lhp_pool_break(struct lhp_process_pool *pool)
{
    struct task *t;
    pthread_mutex_lock(&pool->mutex);
    pool->broken = true;
    pthread_mutex_unlock(&pool->mutex);
    while ((t = lhp_pool_take_pending(pool)))
        lhp_pool_task_fail(t, LHP_BROKEN);
    for (unsigned i = 0; i < pool->count; i++) {
        if (!pool->workers[i].process)
            continue;
        if (pool->workers[i].task)
            lhp_pool_task_fail(pool->workers[i].task, LHP_BROKEN);
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
        lhp_pool_task_fail(t, terminated ? LHP_BROKEN : LHP_WORKER_DIED);
    if (!respawn || !lhp_pool_spawn(pool, i))
        lhp_pool_break(pool);
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
    while ((t = lhp_pool_take_pending(pool)) && !lhp_future_set_running(t->future))
        lhp_pool_task_delete(t);
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

int lhp_pool_manage(void *arg)
{
    struct lhp_process_pool *pool = arg;
    struct pollfd *fds = calloc(pool->count + 1, sizeof(*fds));
    if (!fds)
        lhp_pool_break(pool);
    while (fds && !manager_may_leave(pool)) {
        manager_dispatch(pool);
        manager_poll(pool, fds);
    }
    manager_send_home(pool);
    free(fds);
    return 0;
}

void lhp_pool_wake(struct lhp_process_pool *pool)
{
    int cancel;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    (void)!write(pool->wake, &(uint64_t){1}, sizeof(uint64_t));
    pthread_setcancelstate(cancel, NULL);
}
