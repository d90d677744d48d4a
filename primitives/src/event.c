#include <lhp/event.h>

#include "timing.h"

void lhp_event_init(struct lhp_event *event)
{
    pthread_mutex_init(&event->mutex, NULL);
    timing_cond_init(&event->changed);
    event->up = false;
    event->sets = 0;
}

void lhp_event_destroy(struct lhp_event *event)
{
    pthread_cond_destroy(&event->changed);
    pthread_mutex_destroy(&event->mutex);
}

void lhp_event_set(struct lhp_event *event)
{
    pthread_mutex_lock(&event->mutex);
    if (!event->up) {
        event->up = true;
        event->sets++;
        pthread_cond_broadcast(&event->changed);
    }
    pthread_mutex_unlock(&event->mutex);
}

void lhp_event_clear(struct lhp_event *event)
{
    pthread_mutex_lock(&event->mutex);
    event->up = false;
    pthread_mutex_unlock(&event->mutex);
}

bool lhp_event_is_set(struct lhp_event *event)
{
    pthread_mutex_lock(&event->mutex);
    bool up = event->up;
    pthread_mutex_unlock(&event->mutex);
    return up;
}

void lhp_event_wait(struct lhp_event *event)
{
    (void)!lhp_event_wait_for(event, LHP_FOREVER);
}

enum lhp_status lhp_event_wait_for(struct lhp_event *event, int64_t timeout_ns)
{
    struct deadline d = deadline_after(timeout_ns);
    int err = 0;
    pthread_mutex_lock(&event->mutex);
    pthread_cleanup_push(timing_unlock_cleanup, &event->mutex);
    uint64_t sets = event->sets;
    while (!event->up && event->sets == sets && err != ETIMEDOUT)
        err = timing_cond_wait_until(&event->changed, &event->mutex, &d);
    if (event->up || event->sets != sets)
        err = 0;
    pthread_cleanup_pop(1);
    return err == 0 ? LHP_OK : LHP_TIMEOUT;
}
