/* helper_command.h: runs the installed command for the library: to print a finding when no command is there that reads the
 * run file, and to weave images that are missing.
 *
 *   calling thread --clone(VM, VFORK)--> keeper --clone(VM, VFORK)--> the command, by exec
 *        sleeps                           waits, not for ever            prints to descriptor 2
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

/* Runs `lockhound ARGUMENTS` (up to a NULL; the strings stay valid) without a word but on a terminal, and waits for `patience_ms` at most.
 * Returns: its exit status; -1 when it could not run or was stopped.  Context: signal, in-malloc, may-block. */
int helper_run_silently(const char *const arguments[], int patience_ms);

#endif
