/* sharing_end.h: the end of a process as something that is waited for: who waits, and who keeps it from coming.
 *
 *   waitpid(B) of A, which holds locks --wants--> [end of B] --held by--> B, which sleeps for a lock of A
 *
 * Rule:      a wait for an end, or the sleep of one whose end is waited for, counts only when nothing else could move: the
 *            process has one thread, handles no signal but as an interpreter does, and has set no alarm; and of the locks
 *            only those that nobody but the holder releases.
 * Certainty: an interpreter's handler may break the wait off: then the hang is reported, not taken for certain.
 */
#ifndef LOCKHOUND_PRELOAD_SHARING_END_H
#define LOCKHOUND_PRELOAD_SHARING_END_H

#include <sys/types.h>

#include "detector/commons.h"

/* Returns: true when this process is stuck for as long as its thread sleeps.  Context: signal, in-malloc. */
bool sharing_end_is_stuck(void);
/* As that, and of one that may be waited for: a process of this run has forked it.  Context: signal, in-malloc. */
bool sharing_end_is_awaited(struct commons *c);
/* Returns: the end of a process that runs, or identity 0.  Context: signal, in-malloc. */
struct commons_lock sharing_end_of(pid_t pid);
/* Makes of a party about to sleep one that the Rule allows; `is_awaited`: its process holds its own end.
 * Context: signal, in-malloc, holds(OWN_RANK_COMMONS). */
void sharing_end_complete(struct commons *c, struct commons_party *party, bool is_awaited);
/* Looks for a while whether a circle over an end is one to stay: who waits for a process has perhaps just killed it.
 * Returns: true for other circles, at once.  Context: signal, in-malloc, may-block (half a second). */
bool sharing_end_is_lasting(struct commons *c, const struct commons_circle *circle);

#endif
