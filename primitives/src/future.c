#include "future.h"

#include <stdlib.h>

#include "timing.h"

enum future_state { FUTURE_PENDING, FUTURE_RUNNING, FUTURE_DONE };

struct callback {
    void (*fn)(struct lhp_future *future, void *arg);
    void *arg;
    struct callback *next;
};

struct lhp_future {
    pthread_mutex_t mutex;
    pthread_cond_t is_done;
    unsigned refs;
    enum future_state state;
    enum lhp_status outcome; /* meaningful once done */
    int error;
    void *result;
    void (*drop)(void *result);
    struct callback *callbacks, **last_callback;
    struct watch *watches;
};

struct lhp_future *lhp_future_new(void)
{
    struct lhp_future *f = calloc(1, sizeof(*f));
    if (!f)
        return NULL;
    pthread_mutex_init(&f->mutex, NULL);
    timing_cond_init(&f->is_done);
    f->refs = 1;
    f->last_callback = &f->callbacks;
    return f;
}

struct lhp_future *lhp_future_retain(struct lhp_future *future)
{
    pthread_mutex_lock(&future->mutex);
    future->refs++;
    pthread_mutex_unlock(&future->mutex);
    return future;
}

void lhp_future_release(struct lhp_future *future)
{
    pthread_mutex_lock(&future->mutex);
    bool last = --future->refs == 0;
    pthread_mutex_unlock(&future->mutex);
    if (!last)
        return;
    for (struct callback *next, *c = future->callbacks; c; c = next) {
        next = c->next;
        free(c);
    }
    if (future->drop && future->result)
        future->drop(future->result);
    pthread_cond_destroy(&future->is_done);
    pthread_mutex_destroy(&future->mutex);
    free(future);
}

/* With the mutex held, which is released: a callback may ask anything of the future. */
static void future_finish(struct lhp_future *f, enum lhp_status outcome)
{
    f->state = FUTURE_DONE;
    f->outcome = outcome;
    bool failed = outcome != LHP_OK && outcome != LHP_CANCELLED;
    for (struct watch *w = f->watches; w; w = w->next_of_future)
        lhp_watcher_hear(w, failed);
    f->watches = NULL;
    struct callback *c = f->callbacks;
    f->callbacks = NULL;
    f->refs++; /* a callback may release the last other one */
    pthread_cond_broadcast(&f->is_done);
    pthread_mutex_unlock(&f->mutex);
    while (c) {
        struct callback *next = c->next;
        c->fn(f, c->arg);
        free(c);
        c = next;
    }
    lhp_future_release(f);
}

enum lhp_status lhp_future_cancel(struct lhp_future *future)
{
    pthread_mutex_lock(&future->mutex);
    if (future->state == FUTURE_PENDING) {
        future_finish(future, LHP_CANCELLED);
        return LHP_OK;
    }
    bool cancelled = future->state == FUTURE_DONE && future->outcome == LHP_CANCELLED;
    pthread_mutex_unlock(&future->mutex);
    return cancelled ? LHP_OK : LHP_BAD_STATE;
}

bool lhp_future_cancelled(struct lhp_future *future)
{
    pthread_mutex_lock(&future->mutex);
    bool cancelled = future->state == FUTURE_DONE && future->outcome == LHP_CANCELLED;
    pthread_mutex_unlock(&future->mutex);
    return cancelled;
}

static enum future_state future_state(struct lhp_future *future)
{
    pthread_mutex_lock(&future->mutex);
    enum future_state state = future->state;
    pthread_mutex_unlock(&future->mutex);
    return state;
}

bool lhp_future_running(struct lhp_future *future)
{
    return future_state(future) == FUTURE_RUNNING;
}

bool lhp_future_done(struct lhp_future *future)
{
    return future_state(future) == FUTURE_DONE;
}

enum lhp_status lhp_future_result(struct lhp_future *future, void **result)
{
    return lhp_future_result_for(future, LHP_FOREVER, result);
}

enum lhp_status lhp_future_result_for(struct lhp_future *future, int64_t timeout_ns, void **result)
{
    struct deadline d = deadline_after(timeout_ns);
    enum lhp_status status;
    int err = 0;
    pthread_mutex_lock(&future->mutex);
    pthread_cleanup_push(timing_unlock_cleanup, &future->mutex);
    while (future->state != FUTURE_DONE && err != ETIMEDOUT)
        err = timing_cond_wait_until(&future->is_done, &future->mutex, &d);
    status = future->state == FUTURE_DONE ? future->outcome : LHP_TIMEOUT;
    if (status == LHP_OK && result)
        *result = future->result;
    pthread_cleanup_pop(1);
    return status;
}

int lhp_future_error(struct lhp_future *future)
{
    pthread_mutex_lock(&future->mutex);
    int error = future->error;
    pthread_mutex_unlock(&future->mutex);
    return error;
}

enum lhp_status lhp_future_add_done_callback(struct lhp_future *future,
                                             void (*fn)(struct lhp_future *future, void *arg), void *arg)
{
    struct callback *c = malloc(sizeof(*c));
    if (!c)
        return LHP_NO_MEMORY;
    *c = (struct callback){fn, arg, NULL};
    pthread_mutex_lock(&future->mutex);
    bool done = future->state == FUTURE_DONE;
    if (!done) {
        *future->last_callback = c;
        future->last_callback = &c->next;
    }
    pthread_mutex_unlock(&future->mutex);
    if (done) {
        free(c);
        fn(future, arg);
    }
    return LHP_OK;
}

bool lhp_future_set_running(struct lhp_future *future)
{
    pthread_mutex_lock(&future->mutex);
    bool pending = future->state == FUTURE_PENDING;
    if (pending)
        future->state = FUTURE_RUNNING;
    pthread_mutex_unlock(&future->mutex);
    return pending;
}

enum lhp_status lhp_future_set_result(struct lhp_future *future, void *result, void (*drop)(void *result))
{
    pthread_mutex_lock(&future->mutex);
    if (future->state == FUTURE_DONE) {
        pthread_mutex_unlock(&future->mutex);
        return LHP_BAD_STATE;
    }
    future->result = result;
    future->drop = drop;
    future_finish(future, LHP_OK);
    return LHP_OK;
}

enum lhp_status lhp_future_set_error(struct lhp_future *future, enum lhp_status outcome, int error)
{
    pthread_mutex_lock(&future->mutex);
    if (future->state == FUTURE_DONE) {
        pthread_mutex_unlock(&future->mutex);
        return LHP_BAD_STATE;
    }
    future->error = error;
    future_finish(future, outcome);
    return LHP_OK;
}

void lhp_future_watch(struct lhp_future *future, struct watch *watch)
{
    pthread_mutex_lock(&future->mutex);
    if (future->state == FUTURE_DONE) {
        lhp_watcher_hear(watch, future->outcome != LHP_OK && future->outcome != LHP_CANCELLED);
    } else {
        watch->next_of_future = future->watches;
        future->watches = watch;
    }
    pthread_mutex_unlock(&future->mutex);
}

void lhp_future_unwatch(struct lhp_future *future, struct watch *watch)
{
    pthread_mutex_lock(&future->mutex);
    struct watch **at = &future->watches;
    while (*at && *at != watch)
        at = &(*at)->next_of_future;
    if (*at)
        *at = watch->next_of_future;
    pthread_mutex_unlock(&future->mutex);
}
