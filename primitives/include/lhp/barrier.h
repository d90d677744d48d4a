/* barrier.h: Barrier, where a fixed number of threads meet again and again.
 *
 *   filling --last party arrives--> action runs in that thread --> all leave, filling again
 *      |                                  |
 *      +--time limit, abort, cancel--> broken --reset--> filling
 *
 *   operation                  may block   signal handler   destructor
 *   lhp_barrier_init           no          no               yes
 *   lhp_barrier_wait[_for]     yes         no               yes
 *   lhp_barrier_reset, abort   no          no               yes
 *   lhp_barrier_parties        no          yes              yes
 *   lhp_barrier_waiting, broken
 *                              no          no               yes
 *   lhp_barrier_destroy        no          no               yes
 *
 * Edges:        every arrival of a round happens before its action, and the action before every return of the round.
 * Promise:      rounds never mix: each wait's outcome is written into the wait itself by whoever ends its round.
 * Invariant:    waiting = length of the list of waits < parties.
 * Cancellation: wait is a cancellation point; a cancelled party breaks the barrier, so that nobody waits in vain.
 * Fork:         initialise again in the child.
 * Lifetime:     destroy after every wait has returned.
 * Cost:         a mutex, and a semaphore on the stack of each waiting thread; the action runs with no lock held.
 * Source:       Python's threading.Barrier.
 */
#ifndef LHP_BARRIER_H
#define LHP_BARRIER_H

#include <lhp/status.h>
#include <pthread.h>

struct lhp_barrier_waiter;

struct lhp_barrier {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned parties;
    int (*action)(void *arg);
    void *arg;
    struct lhp_barrier_waiter *waiters;
    unsigned waiting;
    unsigned entering; /* held up by an action */
    bool acting;       /* the action of a full round is running */
    bool broken;
    uint64_t breaks; /* resets and aborts, so that the runner of an action notices one */
};

LHP_BEGIN
/* `action`, if not NULL, runs once a round in the thread that came last; it returns 0, or else breaks the barrier.
 * Returns: LHP_OK, or LHP_INVALID for no parties. */
LHP_API LHP_NODISCARD enum lhp_status lhp_barrier_init(struct lhp_barrier *barrier, unsigned parties,
                                                       int (*action)(void *arg), void *arg);
LHP_API void lhp_barrier_destroy(struct lhp_barrier *barrier);
/* Sets *index, if not NULL, to a number below `parties` that is different in each thread of the round.
 * Returns: LHP_OK; LHP_BROKEN when it is or gets broken or reset; LHP_FAILED in the thread whose action failed. */
LHP_API enum lhp_status lhp_barrier_wait(struct lhp_barrier *barrier, unsigned *index);
/* Returns: as wait, or LHP_TIMEOUT in the thread whose limit passed; that breaks the barrier for the others. */
LHP_API LHP_NODISCARD enum lhp_status lhp_barrier_wait_for(struct lhp_barrier *barrier, int64_t timeout_ns,
                                                           unsigned *index);
/* Back to empty and whole; waits in progress end with LHP_BROKEN. */
LHP_API void lhp_barrier_reset(struct lhp_barrier *barrier);
/* Breaks it until the next reset. */
LHP_API void lhp_barrier_abort(struct lhp_barrier *barrier);
LHP_API unsigned lhp_barrier_parties(struct lhp_barrier *barrier);
LHP_API unsigned lhp_barrier_waiting(struct lhp_barrier *barrier);
LHP_API bool lhp_barrier_broken(struct lhp_barrier *barrier);
LHP_END

#endif
