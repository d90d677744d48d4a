#include <stdint.h>
#include <stdlib.h>

#include "future.h"
#include "timing.h"

/* Waits for several futures: they line up here in the order in which they get done. */
struct watcher {
    pthread_mutex_t mutex;
    pthread_cond_t heard;
    size_t count, heard_count, failed_count;
    struct watch *first_done, **last_done;
    struct watch watches[];
};

struct lhp_as_completed {
    struct deadline deadline;
    size_t given;
    struct watcher *watcher;
};

void lhp_watcher_hear(struct watch *watch, bool failed)
{
    struct watcher *w = watch->watcher;
    pthread_mutex_lock(&w->mutex);
    w->heard_count++;
    w->failed_count += failed;
    watch->next_done = NULL;
    *w->last_done = watch;
    w->last_done = &watch->next_done;
    pthread_cond_signal(&w->heard);
    pthread_mutex_unlock(&w->mutex);
}

struct given {
    struct lhp_future *future;
    size_t at;
};

static int compare_given(const void *a, const void *b)
{
    const struct given *x = a, *y = b;
    if (x->future != y->future)
        return (uintptr_t)x->future < (uintptr_t)y->future ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* Copies the futures without those that were there before, in their order.  Returns: how many there are. */
static size_t copy_once(struct lhp_future *const *futures, size_t n, struct given *sorted, struct lhp_future **copy)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        sorted[i] = (struct given){copy[i] = futures[i], i};
    qsort(sorted, n, sizeof(sorted[0]), compare_given);
    for (size_t i = 1; i < n; i++)
        if (sorted[i].future == sorted[i - 1].future)
            copy[sorted[i].at] = NULL;
    for (size_t i = 0; i < n; i++)
        if (copy[i])
            copy[count++] = copy[i];
    return count;
}

static struct watcher *watch_all(struct lhp_future *const *futures, size_t n)
{
    struct watcher *w = calloc(1, sizeof(*w) + n * sizeof(w->watches[0]));
    if (!w)
        return NULL;
    pthread_mutex_init(&w->mutex, NULL);
    timing_cond_init(&w->heard);
    w->count = n;
    w->last_done = &w->first_done;
    for (size_t i = 0; i < n; i++) {
        w->watches[i].watcher = w;
        w->watches[i].future = lhp_future_retain(futures[i]);
        lhp_future_watch(futures[i], &w->watches[i]);
    }
    return w;
}

/* A future that is given twice is one. */
static struct watcher *watcher_new(struct lhp_future *const *futures, size_t n)
{
    struct given *sorted = malloc((n + 1) * sizeof(*sorted));
    struct lhp_future **once = malloc((n + 1) * sizeof(*once));
    struct watcher *w = NULL;
    if (sorted && once)
        w = watch_all(once, copy_once(futures, n, sorted, once));
    free(once);
    free(sorted);
    return w;
}

static void watcher_delete(void *watcher)
{
    struct watcher *w = watcher;
    for (size_t i = 0; i < w->count; i++) {
        lhp_future_unwatch(w->watches[i].future, &w->watches[i]);
        lhp_future_release(w->watches[i].future);
    }
    pthread_cond_destroy(&w->heard);
    pthread_mutex_destroy(&w->mutex);
    free(w);
}

static bool watcher_satisfied(const struct watcher *w, enum lhp_wait_mode mode)
{
    if (w->heard_count == w->count)
        return true;
    if (mode == LHP_FIRST_COMPLETED)
        return w->heard_count > 0;
    return mode == LHP_FIRST_ERROR && w->failed_count > 0;
}

static bool watcher_wait(struct watcher *w, enum lhp_wait_mode mode, const struct deadline *d)
{
    bool satisfied;
    int err = 0;
    pthread_mutex_lock(&w->mutex);
    pthread_cleanup_push(timing_unlock_cleanup, &w->mutex);
    while (!watcher_satisfied(w, mode) && err != ETIMEDOUT)
        err = timing_cond_wait_until(&w->heard, &w->mutex, d);
    satisfied = watcher_satisfied(w, mode);
    pthread_cleanup_pop(1);
    return satisfied;
}

enum lhp_status lhp_futures_wait(struct lhp_future *const *futures, size_t n, enum lhp_wait_mode mode,
                                 int64_t timeout_ns)
{
    struct deadline d = deadline_after(timeout_ns);
    struct watcher *w = watcher_new(futures, n);
    if (!w)
        return LHP_NO_MEMORY;
    bool satisfied;
    pthread_cleanup_push(watcher_delete, w);
    satisfied = watcher_wait(w, mode, &d);
    pthread_cleanup_pop(1);
    return satisfied ? LHP_OK : LHP_TIMEOUT;
}

struct lhp_as_completed *lhp_as_completed_new(struct lhp_future *const *futures, size_t n, int64_t timeout_ns)
{
    struct lhp_as_completed *it = calloc(1, sizeof(*it));
    if (!it)
        return NULL;
    it->deadline = deadline_after(timeout_ns);
    it->watcher = watcher_new(futures, n);
    if (!it->watcher) {
        free(it);
        return NULL;
    }
    return it;
}

/* With the mutex held.  Returns: the future that got done next, or NULL. */
static struct lhp_future *watcher_pop(struct watcher *w)
{
    struct watch *watch = w->first_done;
    if (!watch)
        return NULL;
    w->first_done = watch->next_done;
    if (!w->first_done)
        w->last_done = &w->first_done;
    return watch->future;
}

enum lhp_status lhp_as_completed_next(struct lhp_as_completed *it, struct lhp_future **future)
{
    struct watcher *w = it->watcher;
    if (it->given == w->count)
        return LHP_STOPPED;
    int err = 0;
    pthread_mutex_lock(&w->mutex);
    pthread_cleanup_push(timing_unlock_cleanup, &w->mutex);
    while (!w->first_done && err != ETIMEDOUT)
        err = timing_cond_wait_until(&w->heard, &w->mutex, &it->deadline);
    *future = watcher_pop(w);
    pthread_cleanup_pop(1);
    if (!*future)
        return LHP_TIMEOUT;
    it->given++;
    return LHP_OK;
}

void lhp_as_completed_release(struct lhp_as_completed *it)
{
    watcher_delete(it->watcher);
    free(it);
}
