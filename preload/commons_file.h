/* commons_file.h: the memory in which the processes of a run keep detector/commons.h.
 *
 *   output=/a/run --> /a/run.shared, mapped by each process that meets a lock that is shared
 *   no run file   --> anonymous memory, made at the start and inherited by fork (not by exec)
 *
 * Lock:      a word that names the holding process, with a futex behind it.  Whoever has waited asks whether the holder
 *            lives, and takes over from one that does not; after 100 ms it goes on without.  Nobody waits for ever.
 * Trust:     the file is the user's own, regular, of the right size and signed, or it is not used: one note says so, and
 *            each process sees only itself.
 * Removal:   by the last process that lives, at its end; by the command, at the end of the run.
 */
#ifndef LOCKHOUND_PRELOAD_COMMONS_FILE_H
#define LOCKHOUND_PRELOAD_COMMONS_FILE_H

#include "detector/commons.h"

/* Reserves the memory that children inherit, when no file can be named.  Context: early. */
void commons_file_init(void);
/* Returns: the commons, mapped and joined by this process, or NULL.  Context: signal, in-malloc, takes(OWN_RANK_COMMONS).
 */
struct commons *commons_file_open(void);
/* Returns: the same if it is mapped already, else NULL.  Context: signal, in-malloc. */
struct commons *commons_file_opened(void);
/* Returns: the number of this process in the commons, or 0.  Context: signal, in-malloc. */
uint32_t commons_file_process(void);
/* Returns: false when the lock could not be had in time.  Context: signal, in-malloc, may-block (100 ms). */
bool commons_file_enter(struct commons *c);
/* Context: signal, in-malloc. */
void commons_file_leave(struct commons *c);
/* A fork is about to happen.  Context: reentrant. */
void commons_file_fork_prepare(void);
/* The child of a fork is a process of its own.  Context: fork-child. */
void commons_file_fork_child(void);
/* At the end of the process.  Context: late, may-block (100 ms). */
void commons_file_close(void);
/* What the commons ask of the system.  Context: signal, in-malloc. */
const struct commons_host *commons_file_host(void);
/* Ends another process, if `pid` is still the one that started at `start_time`.  Context: signal. */
void commons_file_end_process(int64_t pid, uint64_t start_time);

#endif
