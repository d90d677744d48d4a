/* once.h: Once, a piece of work that is done one time however many threads ask for it.
 *
 *   operation       may block   signal handler   destructor
 *   lhp_once_call   yes         no               yes
 *   lhp_once_done   no          yes              yes
 *
 * Edges:        the end of the call that succeeded happens before the return of every lhp_once_call() and before every
 *               lhp_once_done() that answers true.
 * Promise:      a call that fails or is cancelled does not count; the next caller tries again.
 * Cancellation: a cancellation point only if the function is one.
 * Fork:         a child forked while another thread was in the function must initialise the object again.
 * Lifetime:     static, by LHP_ONCE_INITIALIZER; nothing to destroy.
 * Cost:         one acquire load once done.
 * Source:       POSIX pthread_once(), which has neither an argument nor a failure.
 */
#ifndef LHP_ONCE_H
#define LHP_ONCE_H

#include <lhp/status.h>
#include <pthread.h>

struct lhp_once {
    pthread_mutex_t running; /* error-checking: a function that asks for itself is told so */
    int done;                /* accessed atomically */
};

#define LHP_ONCE_INITIALIZER                                                                                           \
    {                                                                                                                  \
        {{__PTHREAD_MUTEX_INITIALIZER(PTHREAD_MUTEX_ERRORCHECK_NP)}}, 0                                                \
    }

LHP_BEGIN
/* Calls fn(arg) unless that has already succeeded (returned 0); waits for a call in progress.
 * Returns: LHP_OK when it is done; LHP_FAILED when this call of fn failed; LHP_DEADLOCK when fn asks for itself. */
static inline enum lhp_status lhp_once_call(struct lhp_once *once, int (*fn)(void *arg), void *arg);
static inline bool lhp_once_done(struct lhp_once *once);

/* The part of lhp_once_call() that is not a load. */
LHP_API enum lhp_status lhp_once_call_slow(struct lhp_once *once, int (*fn)(void *arg), void *arg);
/* lhp_once_done(), announced to Helgrind. */
LHP_API bool lhp_once_done_announced(struct lhp_once *once);

static inline bool lhp_once_done(struct lhp_once *once)
{
#ifdef LHP_ANNOTATE_VALGRIND
    return lhp_once_done_announced(once);
#else
    /* Acquire: pairs with the release in once.c. */
    return __atomic_load_n(&once->done, __ATOMIC_ACQUIRE) != 0;
#endif
}

static inline enum lhp_status lhp_once_call(struct lhp_once *once, int (*fn)(void *arg), void *arg)
{
    return lhp_once_done(once) ? LHP_OK : lhp_once_call_slow(once, fn, arg);
}
LHP_END

#endif
