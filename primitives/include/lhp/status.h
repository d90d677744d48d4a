/* status.h: what every operation of the library answers, and how time limits are written.
 *
 * A function that can fail returns an `enum lhp_status`; LHP_OK is 0.  Nothing is changed when anything else comes
 * back, except where the function's comment says so.  errno carries the cause of LHP_SYSTEM and means nothing
 * otherwise.
 *
 *   operation         may block   signal handler   destructor
 *   lhp_status_text   no          yes              yes
 *
 * Time limits are durations in nanoseconds, measured on CLOCK_MONOTONIC: setting the wall clock never moves them.
 * 0 tries without waiting; a negative one (LHP_FOREVER) never expires.
 */
#ifndef LHP_STATUS_H
#define LHP_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define LHP_BEGIN extern "C" {
#define LHP_END   }
#else
#define LHP_BEGIN
#define LHP_END
#endif

#define LHP_API       __attribute__((visibility("default")))
#define LHP_NODISCARD __attribute__((warn_unused_result))

#define LHP_FOREVER    ((int64_t)-1)
#define LHP_MS(n)      ((int64_t)(n)*1000000)
#define LHP_SECONDS(n) ((int64_t)(n)*1000000000)

enum lhp_status {
    LHP_OK,
    LHP_TIMEOUT,    /* the time limit passed, or a try would have had to wait */
    LHP_NOT_HELD,   /* release of a lock that nobody holds, or a wait without the lock */
    LHP_NOT_OWNER,  /* release by a thread or process that is not the owner */
    LHP_OVER_BOUND, /* more releases, or more task_done, than the object allows */
    LHP_DEADLOCK,   /* the call would wait for its own caller */
    LHP_BROKEN,     /* the barrier, pool or stream was broken while or before the caller used it */
    LHP_EMPTY,      /* the queue stayed empty */
    LHP_FULL,       /* the queue stayed full */
    LHP_SHUT_DOWN,  /* the queue or executor accepts no more */
    LHP_CANCELLED,  /* the future was cancelled */
    LHP_FAILED,     /* the function ran and failed; its error code is kept with the result */
    LHP_BAD_STATE,  /* started twice, joined before the start, and the like */
    LHP_INVALID,    /* an argument outside its range */
    LHP_NO_MEMORY,
    LHP_SYSTEM,      /* the system refused; errno says why */
    LHP_OWNER_DIED,  /* acquired, from a holder that died: repair what the lock guards */
    LHP_WORKER_DIED, /* the worker process died before it had answered */
    LHP_EOF,         /* the other end is closed */
    LHP_TOO_LONG,    /* the message does not fit; it has been discarded */
    LHP_STOPPED,     /* the generator has returned */
    LHP_CLOSED       /* inside a generator: it is being closed, clean up and return */
};

LHP_BEGIN
/* Returns: a short English phrase for `status`, static storage. */
LHP_API const char *lhp_status_text(enum lhp_status status);
LHP_END

#endif
