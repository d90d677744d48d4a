/* ends.h: waits for the end of a process, which may be part of a circle over processes (sharing_end.h).
 *
 *   wait, waitpid, waitid, wait3, wait4, poll of a pidfd --whose end, for as long as it takes?--> sharing_block_end()
 *
 * A wait for any child is one for the end of that child while there is just one.  A cancelled wait is not undone: only a thread
 * that is alone is told of, and with it the process ends.
 */
#ifndef LOCKHOUND_PRELOAD_INTERCEPT_ENDS_H
#define LOCKHOUND_PRELOAD_INTERCEPT_ENDS_H

#include "preload/commons_file.h"
#include "preload/intercept/access.h"
#include "preload/intercept/blocking.h"

/* Whether anybody would learn of it. */
#define ENDS_LOOKED_AT() (lockhound.ready && hook_unlikely(commons_file_opened() != NULL))

/* Returns: the process that the descriptor stands for, or 0.  Context: reentrant. */
pid_t ends_of_descriptor(int fd);
/* About to wait for the end of the process; 0 is nothing.  Returns: true when ends_over() must follow.
 * Context: reentrant, may-block (half a second). */
__attribute__((noinline, cold)) bool ends_begin(pid_t pid, struct caller caller);
/* Context: reentrant. */
__attribute__((noinline, cold)) void ends_over(void);

#endif
