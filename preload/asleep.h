/* asleep.h: the kernel's word on whether every other thread of the process sleeps.
 *
 *   /proc/self/task --> for each thread: state, context switches --look, 40 ms, look again--> the same, all asleep
 *
 * Invariant: any doubt (a thread we do not know, one that ran meanwhile, a file that cannot be read) means no.
 */
#ifndef LOCKHOUND_PRELOAD_ASLEEP_H
#define LOCKHOUND_PRELOAD_ASLEEP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The host's all_asleep() of detector/host.h.  Context: signal, in-malloc, may-block (seconds on a busy machine),
 * takes(OWN_RANK_SELVES). */
bool all_asleep(void);

/* Returns: true when process `pid` has so many threads, and all of them but the caller sleep; `fingerprint` is then the same as
 * before only if none has run since.  Context: signal, in-malloc. */
bool asleep_process(pid_t pid, size_t threads, uint64_t *fingerprint);

#endif
