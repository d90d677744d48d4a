#include <lhp/thread.h>
#include <lhp/timer.h>

#include <stdlib.h>

#include "timing.h"

enum timer_state { TIMER_WAITING, TIMER_CANCELLED, TIMER_FIRED };

struct lhp_timer {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    enum timer_state state;
    unsigned refs; /* the user's, and the thread's while it runs */
    int64_t interval_ns;
    void (*fn)(void *arg);
    void *arg;
    struct lhp_thread *thread;
};

static void timer_unref(struct lhp_timer *timer)
{
    pthread_mutex_lock(&timer->mutex);
    bool last = --timer->refs == 0;
    pthread_mutex_unlock(&timer->mutex);
    if (!last)
        return;
    lhp_thread_release(timer->thread);
    pthread_cond_destroy(&timer->changed);
    pthread_mutex_destroy(&timer->mutex);
    free(timer);
}

static int timer_body(void *arg)
{
    struct lhp_timer *timer = arg;
    struct deadline d = deadline_after(timer->interval_ns > 0 ? timer->interval_ns : 0);
    int err = 0;
    pthread_mutex_lock(&timer->mutex);
    while (timer->state == TIMER_WAITING && err != ETIMEDOUT)
        err = timing_cond_wait_until(&timer->changed, &timer->mutex, &d);
    bool fire = timer->state == TIMER_WAITING;
    if (fire)
        timer->state = TIMER_FIRED;
    pthread_mutex_unlock(&timer->mutex);
    if (fire)
        timer->fn(timer->arg);
    timer_unref(timer);
    return 0;
}

struct lhp_timer *lhp_timer_new(int64_t interval_ns, void (*fn)(void *arg), void *arg)
{
    struct lhp_timer *timer = calloc(1, sizeof(*timer));
    if (!timer)
        return NULL;
    timer->thread = lhp_thread_new(timer_body, timer, NULL);
    if (!timer->thread) {
        free(timer);
        return NULL;
    }
    pthread_mutex_init(&timer->mutex, NULL);
    timing_cond_init(&timer->changed);
    timer->refs = 1;
    timer->interval_ns = interval_ns;
    timer->fn = fn;
    timer->arg = arg;
    return timer;
}

enum lhp_status lhp_timer_start(struct lhp_timer *timer)
{
    pthread_mutex_lock(&timer->mutex);
    timer->refs++;
    pthread_mutex_unlock(&timer->mutex);
    enum lhp_status status = lhp_thread_start(timer->thread);
    if (status != LHP_OK)
        timer_unref(timer);
    return status;
}

enum lhp_status lhp_timer_cancel(struct lhp_timer *timer)
{
    pthread_mutex_lock(&timer->mutex);
    bool early = timer->state != TIMER_FIRED;
    if (early)
        timer->state = TIMER_CANCELLED;
    pthread_cond_signal(&timer->changed);
    pthread_mutex_unlock(&timer->mutex);
    return early ? LHP_OK : LHP_BAD_STATE;
}

enum lhp_status lhp_timer_join(struct lhp_timer *timer)
{
    return lhp_thread_join(timer->thread);
}

enum lhp_status lhp_timer_join_for(struct lhp_timer *timer, int64_t timeout_ns)
{
    return lhp_thread_join_for(timer->thread, timeout_ns);
}

void lhp_timer_release(struct lhp_timer *timer)
{
    timer_unref(timer);
}
