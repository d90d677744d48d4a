#include <lhp/gil.h>

#include "timing.h"

void lhp_gil_init(struct lhp_gil *gil, int64_t interval_ns)
{
    *gil = (struct lhp_gil){.interval_ns = interval_ns > 0 ? interval_ns : LHP_GIL_INTERVAL_NS};
    pthread_mutex_init(&gil->mutex, NULL);
    timing_cond_init(&gil->dropped);
    timing_cond_init(&gil->switched);
    NOTE_ATOMIC(&gil->drop_request, sizeof(gil->drop_request));
}

void lhp_gil_destroy(struct lhp_gil *gil)
{
    pthread_cond_destroy(&gil->switched);
    pthread_cond_destroy(&gil->dropped);
    pthread_mutex_destroy(&gil->mutex);
}

/* Relaxed: the request only says "look"; the mutex orders everything else. */
static bool drop_requested(struct lhp_gil *gil)
{
    return __atomic_load_n(&gil->drop_request, __ATOMIC_RELAXED) != 0;
}

static void set_drop_request(struct lhp_gil *gil, int value)
{
    __atomic_store_n(&gil->drop_request, value, __ATOMIC_RELAXED);
}

/* With the mutex held: waits for one interval, then asks the holder, if it is still the same. */
static void gil_wait_interval(struct lhp_gil *gil)
{
    uint64_t switches = gil->switches;
    struct deadline d = deadline_after(gil->interval_ns);
    int err = 0;
    while (gil->held && gil->switches == switches && err != ETIMEDOUT)
        err = timing_cond_wait_until(&gil->dropped, &gil->mutex, &d);
    if (gil->held && gil->switches == switches)
        set_drop_request(gil, 1);
}

void lhp_gil_acquire(struct lhp_gil *gil)
{
    int cancel;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    pthread_mutex_lock(&gil->mutex);
    gil->waiting++;
    while (gil->held)
        gil_wait_interval(gil);
    gil->waiting--;
    gil->held = true;
    gil->switches++;
    set_drop_request(gil, 0);
    pthread_cond_broadcast(&gil->switched);
    pthread_mutex_unlock(&gil->mutex);
    pthread_setcancelstate(cancel, NULL);
}

void lhp_gil_release(struct lhp_gil *gil)
{
    int cancel;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    pthread_mutex_lock(&gil->mutex);
    bool forced = drop_requested(gil);
    uint64_t switches = gil->switches;
    gil->held = false;
    pthread_cond_signal(&gil->dropped);
    while (forced && gil->switches == switches && gil->waiting > 0)
        pthread_cond_wait(&gil->switched, &gil->mutex);
    pthread_mutex_unlock(&gil->mutex);
    pthread_setcancelstate(cancel, NULL);
}

bool lhp_gil_check(struct lhp_gil *gil)
{
    if (!drop_requested(gil))
        return false;
    lhp_gil_release(gil);
    lhp_gil_acquire(gil);
    return true;
}

uint64_t lhp_gil_switches(struct lhp_gil *gil)
{
    pthread_mutex_lock(&gil->mutex);
    uint64_t switches = gil->switches;
    pthread_mutex_unlock(&gil->mutex);
    return switches;
}

void lhp_gil_at_fork_reinit(struct lhp_gil *gil, bool held)
{
    lhp_gil_init(gil, gil->interval_ns);
    gil->held = held;
}
