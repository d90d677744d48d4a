/* asleep.h: the kernel's word on whether every other thread of the process sleeps.
 *
 *   /proc/self/task --> for each thread: state, context switches --look, 40 ms, look again--> the same, all asleep
 *
 * Invariant: any doubt (a thread we do not know, one that ran meanwhile, a file that cannot be read) means no.
 */
#ifndef LOCKHOUND_PRELOAD_ASLEEP_H
#define LOCKHOUND_PRELOAD_ASLEEP_H

#include <stdbool.h>

/* The host's all_asleep() of detector/host.h.  Context: signal, in-malloc, may-block (seconds on a busy machine),
 * takes(OWN_RANK_SELVES). */
bool all_asleep(void);

#endif
