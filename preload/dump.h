/* dump.h: a picture of the running program on a signal, with dump-signal=NAME only.
 *
 *   lockhound ps PID --kill--> handler --clone, memory copied--> child --append--> run file --> lockhound ps
 *                                 |                                |
 *                                 +--------- waits ----------------+ ends
 *
 * The child has a copy of all memory at one moment, in which nothing moves any more: it may read every structure, and
 * should one be half-way through a change, it is the child that fails and not the program.  It has no exit signal, so
 * that only wait4(__WCLONE) sees it.
 *
 * Limits:    a program that installs a handler for the signal of its own takes it away from us; system calls that are
 *            never restarted (nanosleep, poll) end with EINTR, as after any handled signal.
 */
#ifndef LOCKHOUND_PRELOAD_DUMP_H
#define LOCKHOUND_PRELOAD_DUMP_H

#include <stdbool.h>

/* Installs the handler, if one is asked for.  Context: early. */
void dump_init(void);
/* Returns: true when one is asked for: the run file must then be open from the start.  Context: early. */
bool dump_is_wanted(void);

#endif
