/* shared_monitor.h: mutual exclusion and waiting between processes any of which may be killed at any instruction.
 *
 *   enter --> look at the state --not yet--> sleep (slot, out of the guard, semaphore) --> look again --> leave
 *
 * Invariant: between two stores inside the guard the state is one that a survivor can go on from, so that EOWNERDEAD
 *            needs no repair; a slot whose process is gone is freed by whoever meets it, and what it had been told is
 *            told to the next.
 * Threads:   all functions but init, enter and the destroy are called inside the guard.
 */
#ifndef LHP_SRC_SHARED_MONITOR_H
#define LHP_SRC_SHARED_MONITOR_H

#include <lhp/shared.h>

#include "timing.h"

/* The kind of slots whose `told` is an outcome of their own, which must not be passed on. */
#define LHP_SLOT_OUTCOME (-1)

struct lhp_shared_identity lhp_identity_self(void);
bool lhp_identity_is_self(const struct lhp_shared_identity *who);
/* Reads /proc: some microseconds. */
bool lhp_identity_alive(const struct lhp_shared_identity *who);
/* Returns: gettid(), remembered. */
pid_t lhp_thread_id(void);

void lhp_monitor_init(struct lhp_shared_monitor *m);
void lhp_monitor_destroy(struct lhp_shared_monitor *m);
void lhp_monitor_enter(struct lhp_shared_monitor *m);
void lhp_monitor_leave(struct lhp_shared_monitor *m);
void lhp_robust_mutex_init(pthread_mutex_t *mutex, bool recursive);

/* Takes a place in the line.  Returns: NULL when there is none. */
struct lhp_shared_slot *lhp_monitor_take_slot(struct lhp_shared_monitor *m, int kind);
void lhp_monitor_free_slot(struct lhp_shared_monitor *m, struct lhp_shared_slot *slot);
/* Tells the `n` longest waiting of that kind; whoever buries one that is dead passes it on. */
void lhp_monitor_wake(struct lhp_shared_monitor *m, int kind, unsigned n);
/* Frees the slots of the dead and passes on what they had been told.  Returns: how many were freed. */
unsigned lhp_monitor_bury(struct lhp_shared_monitor *m);
/* Outside the guard: sleeps until the slot's semaphore is posted, the deadline, or it is time to look for the dead. */
void lhp_slot_sleep(struct lhp_shared_slot *slot, const struct deadline *d);
/* Leaves, sleeps for a while or until woken, enters; the caller looks at its condition again. */
void lhp_monitor_sleep(struct lhp_shared_monitor *m, int kind, const struct deadline *d);

#endif
