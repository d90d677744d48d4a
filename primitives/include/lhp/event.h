/* event.h: Event, a flag that threads wait for.
 *
 *   operation               may block   signal handler   destructor
 *   lhp_event_init          no          no               yes
 *   lhp_event_set, clear    no          no               yes
 *   lhp_event_is_set        no          no               yes
 *   lhp_event_wait[_for]    yes         no               yes
 *   lhp_event_destroy       no          no               yes
 *
 * Edges:        a set happens before every wait it lets through and every is_set that sees it.
 * Promise:      a set ends every wait that had begun, even when a clear follows at once.
 * Invariant:    `sets` counts the changes from clear to set; a wait ends when the flag is up or the count has moved.
 * Cancellation: wait is a cancellation point and leaves nothing behind.
 * Fork:         the child inherits the flag; if a thread was inside a call at the fork, initialise again.
 * Lifetime:     destroy when nobody waits.
 * Cost:         an uncontended mutex; a mutex and a condition variable for a wait that sleeps.
 * Source:       Python's threading.Event.
 */
#ifndef LHP_EVENT_H
#define LHP_EVENT_H

#include <lhp/status.h>
#include <pthread.h>

struct lhp_event {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool up;
    uint64_t sets;
};

LHP_BEGIN
LHP_API void lhp_event_init(struct lhp_event *event);
LHP_API void lhp_event_destroy(struct lhp_event *event);
LHP_API void lhp_event_set(struct lhp_event *event);
LHP_API void lhp_event_clear(struct lhp_event *event);
LHP_API bool lhp_event_is_set(struct lhp_event *event);
LHP_API void lhp_event_wait(struct lhp_event *event);
/* Returns: LHP_OK or LHP_TIMEOUT. */
LHP_API LHP_NODISCARD enum lhp_status lhp_event_wait_for(struct lhp_event *event, int64_t timeout_ns);
LHP_END

#endif
