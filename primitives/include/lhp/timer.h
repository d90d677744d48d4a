/* timer.h: Timer, a function called once, later, in a thread of its own, unless it is cancelled before.
 *
 *   new --start--> waiting --interval passed--> running --> done
 *                     +-------cancel----------------------> done
 *
 *   operation                may block   signal handler   destructor
 *   lhp_timer_new, start     no          no               yes
 *   lhp_timer_cancel         no          no               yes
 *   lhp_timer_join[_for]     yes         no               no
 *   lhp_timer_release        no          no               yes
 *
 * Edges:        start happens before the function; the function happens before the return of join.
 * Promise:      the function runs at most once, never before the interval has passed on the monotonic clock, and never
 *               when cancel answered LHP_OK.
 * Cancellation: join is a cancellation point.
 * Fork:         a timer does not exist in the child.
 * Lifetime:     one reference, given back by release; a started timer goes on without it.
 * Cost:         one thread.
 * Source:       Python's threading.Timer.
 */
#ifndef LHP_TIMER_H
#define LHP_TIMER_H

#include <lhp/status.h>

struct lhp_timer;

LHP_BEGIN
/* Returns: a reference, or NULL when there is no memory. */
LHP_API LHP_NODISCARD struct lhp_timer *lhp_timer_new(int64_t interval_ns, void (*fn)(void *arg), void *arg);
/* Returns: LHP_OK; LHP_BAD_STATE when it was started before; LHP_SYSTEM when there can be no more threads. */
LHP_API LHP_NODISCARD enum lhp_status lhp_timer_start(struct lhp_timer *timer);
/* Returns: LHP_OK when the function will not run; LHP_BAD_STATE when it runs or has run. */
LHP_API enum lhp_status lhp_timer_cancel(struct lhp_timer *timer);
/* Waits for the end of the function or of a cancelled timer.  Returns: as lhp_thread_join(). */
LHP_API enum lhp_status lhp_timer_join(struct lhp_timer *timer);
/* Returns: as join, or LHP_TIMEOUT. */
LHP_API LHP_NODISCARD enum lhp_status lhp_timer_join_for(struct lhp_timer *timer, int64_t timeout_ns);
LHP_API void lhp_timer_release(struct lhp_timer *timer);
LHP_END

#endif
