/* helper_command.h: has a finding printed by the installed command, when no command is there to read the run file.
 *
 *   calling thread --clone(VM, VFORK)--> keeper --clone(VM, VFORK)--> the command, by exec
 *        sleeps                           waits, 5 s at most             prints to descriptor 2
 *
 * Invariant: the program notices nothing: exec would make SIGCHLD the exit signal of a child of ours, so the command is
 *            a child of the keeper, which never calls exec and which only wait4(__WCLONE) can see.
 * Memory:    one block from mmap() a call: two stacks, arguments and the environment as the kernel gave it.
 * Source:    execve(2), "the termination signal is reset to SIGCHLD"; clone(2), __WCLONE in wait(2).
 */
#ifndef LOCKHOUND_PRELOAD_HELPER_COMMAND_H
#define LOCKHOUND_PRELOAD_HELPER_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

/* Finds where our own library lies, and the command from there.  Context: early. */
void helper_init(void);

/* Starts `lockhound print RUN_FILE --offset N --length N [--summary]` and waits until it has printed.
 * Returns: false when it could not run; nothing has been printed then.  Context: signal, in-malloc, may-block. */
bool helper_print(const char *run_file, uint64_t offset, uint64_t length, bool summary);

#endif
