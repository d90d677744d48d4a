#include <lhp/once.h>

#include "timing.h"

bool lhp_once_done_announced(struct lhp_once *once)
{
    NOTE_ATOMIC(&once->done, sizeof(once->done));
    /* Acquire: pairs with the release in once_run(). */
    bool done = __atomic_load_n(&once->done, __ATOMIC_ACQUIRE) != 0;
    if (done)
        NOTE_AFTER(once);
    return done;
}

/* With `running` held. */
static enum lhp_status once_run(struct lhp_once *once, int (*fn)(void *arg), void *arg)
{
    if (lhp_once_done(once))
        return LHP_OK;
    int failed;
    pthread_cleanup_push(timing_unlock_cleanup, &once->running);
    failed = fn(arg);
    pthread_cleanup_pop(0);
    if (failed)
        return LHP_FAILED;
    NOTE_BEFORE(once);
    __atomic_store_n(&once->done, 1, __ATOMIC_RELEASE);
    return LHP_OK;
}

enum lhp_status lhp_once_call_slow(struct lhp_once *once, int (*fn)(void *arg), void *arg)
{
    if (pthread_mutex_lock(&once->running) == EDEADLK)
        return LHP_DEADLOCK;
    enum lhp_status status = once_run(once, fn, arg);
    pthread_mutex_unlock(&once->running);
    return status;
}
