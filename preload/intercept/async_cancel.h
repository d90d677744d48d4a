/* async_cancel.h: asynchronous cancellation waits until the library holds nothing of its own, and unwinds the program's code.
 *
 *   pthread_setcanceltype(ASYNCHRONOUS) --> noted
 *   pthread_cancel() --noted--> once: a thread of ours is cancelled first, so that libc's handler is there --> ours before it
 *   SIGCANCEL --> ours: in a region? --yes--> comes again at its end (deferral.h)
 *                                    \--no--> registers are the program's (interruption.h) --> libc's, which unwinds from there
 *
 * Why:       libc's handler would leave for good with a lock that nobody unlocks, or from woven code that nothing unwinds.
 * Model:     the thread of ours is none of the program's: it has cancellation disabled, does nothing, and is gone before the
 *            call goes on.  Programs that do not ask for asynchronous cancellation never have it.
 * Limit:     inside a hook, but in no region, a cancellation comes as it came before: POSIX lets no function be called then
 *            that a hook stands before, but for three that need none.
 * Source:    POSIX 2.9.5.4; glibc nptl/pthread_cancel.c (SIGCANCEL is installed by the first call).
 */
#ifndef LOCKHOUND_PRELOAD_INTERCEPT_ASYNC_CANCEL_H
#define LOCKHOUND_PRELOAD_INTERCEPT_ASYNC_CANCEL_H

/* Before a call of libc's pthread_cancel().  Context: may-block. */
void async_cancel_prepare(void);

#endif
