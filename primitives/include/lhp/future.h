/* future.h: Future, a result that is not there yet, and the ways of waiting for several.
 *
 *   pending --set_running--> running --set_result / set_error--> done --> callbacks, in the thread that finished it
 *      +-------cancel------> cancelled (also done)
 *
 *   operation                          may block   signal handler   destructor
 *   lhp_future_result[_for]            yes         no               yes
 *   lhp_future_cancel                  no (1)      no               yes
 *   lhp_future_new, retain, release    no          no               yes
 *   lhp_future_done, running           no          no               yes
 *   lhp_future_cancelled, error        no          no               yes
 *   lhp_future_set_running             no          no               yes
 *   lhp_future_set_result, set_error   no (1)      no               yes
 *   lhp_future_add_done_callback       no (1)      no               yes
 *   lhp_futures_wait                   yes         no               yes
 *   lhp_as_completed_next              yes         no               yes
 *   lhp_as_completed_new, release      no          no               yes
 *
 *   (1) but runs callbacks, with no lock held.
 *
 * Edges:        set_result, set_error and cancel happen before everything that sees the future done: result, done,
 *               callbacks, the waits.
 * Invariant:    a future is done once and never changes again; each callback and each watch hears of it exactly once.
 * Cancellation: result and the waits are cancellation points and leave nothing behind.
 * Fork:         a future of the parent never gets done in the child.
 * Lifetime:     counted references; the producer holds one of its own until the future is done.
 * Cost:         a mutex an operation; waiters pay one small allocation a wait.
 * Source:       Python's concurrent.futures.
 */
#ifndef LHP_FUTURE_H
#define LHP_FUTURE_H

#include <lhp/status.h>

struct lhp_future;
struct lhp_as_completed;

enum lhp_wait_mode { LHP_FIRST_COMPLETED, LHP_FIRST_ERROR, LHP_ALL_COMPLETED };

LHP_BEGIN
/* Returns: a pending future with one reference, or NULL when there is no memory. */
LHP_API LHP_NODISCARD struct lhp_future *lhp_future_new(void);
LHP_API struct lhp_future *lhp_future_retain(struct lhp_future *future);
LHP_API void lhp_future_release(struct lhp_future *future);

/* Returns: LHP_OK when it is cancelled now (or was), LHP_BAD_STATE when it runs or is done. */
LHP_API enum lhp_status lhp_future_cancel(struct lhp_future *future);
LHP_API bool lhp_future_cancelled(struct lhp_future *future);
LHP_API bool lhp_future_running(struct lhp_future *future);
LHP_API bool lhp_future_done(struct lhp_future *future);
/* Waits until it is done.  Sets *result, if not NULL and there is one; it lives as long as the future, or as its
 * producer says.  Returns: LHP_OK; LHP_CANCELLED; LHP_FAILED when the function failed; LHP_WORKER_DIED; LHP_BROKEN. */
LHP_API enum lhp_status lhp_future_result(struct lhp_future *future, void **result);
/* Returns: as result, or LHP_TIMEOUT. */
LHP_API LHP_NODISCARD enum lhp_status lhp_future_result_for(struct lhp_future *future, int64_t timeout_ns,
                                                            void **result);
/* Returns: the error code of a done future whose function failed, else 0. */
LHP_API int lhp_future_error(struct lhp_future *future);
/* Calls fn(future, arg) once it is done: in the thread that finishes it, in order of addition; or now, if it is done.
 * Returns: LHP_OK or LHP_NO_MEMORY. */
LHP_API LHP_NODISCARD enum lhp_status
lhp_future_add_done_callback(struct lhp_future *future, void (*fn)(struct lhp_future *future, void *arg), void *arg);

/* For producers.  Returns: true when the work must be done, false when it was cancelled. */
LHP_API LHP_NODISCARD bool lhp_future_set_running(struct lhp_future *future);
/* `drop`, if not NULL, frees the result with the future.  Returns: LHP_OK, or LHP_BAD_STATE when it is done. */
LHP_API enum lhp_status lhp_future_set_result(struct lhp_future *future, void *result, void (*drop)(void *result));
/* `outcome` is what result will answer (not LHP_OK), `error` the code that goes with it. */
LHP_API enum lhp_status lhp_future_set_error(struct lhp_future *future, enum lhp_status outcome, int error);

/* Waits for the first, the first that failed (or all), or all of `n` futures; ask each whether it is done.  One that is given
 * twice is one.
 * Returns: LHP_OK, LHP_TIMEOUT, LHP_NO_MEMORY. */
LHP_API LHP_NODISCARD enum lhp_status lhp_futures_wait(struct lhp_future *const *futures, size_t n,
                                                       enum lhp_wait_mode mode, int64_t timeout_ns);
/* An iteration over `n` futures in the order in which they get done, each once; borrows them, takes a reference to each.
 * Returns: the iteration, or NULL when there is no memory. */
LHP_API LHP_NODISCARD struct lhp_as_completed *lhp_as_completed_new(struct lhp_future *const *futures, size_t n,
                                                                    int64_t timeout_ns);
/* Sets *future, borrowed from the iteration.  Returns: LHP_OK; LHP_STOPPED after the last; LHP_TIMEOUT. */
LHP_API LHP_NODISCARD enum lhp_status lhp_as_completed_next(struct lhp_as_completed *it, struct lhp_future **future);
LHP_API void lhp_as_completed_release(struct lhp_as_completed *it);
LHP_END

#endif
