/* process.h: how a process begins, splits, turns into another program and ends.
 *
 *   fork, _Fork --> every rank taken --> child: ranks free, one thread, locks of the others orphaned
 *   exec*       --> summary "exec"   --> the new program (the environment decides whether it is checked, too)
 *   exit, _exit, quick_exit, exit_group --> summary "exit", once
 *
 * Invariant: a child of vfork() or posix_spawn() shares our memory and is not us: it is known by its process id, and
 *            nothing is written or changed in it.
 */
#ifndef LOCKHOUND_PRELOAD_INTERCEPT_PROCESS_H
#define LOCKHOUND_PRELOAD_INTERCEPT_PROCESS_H

#include <stdbool.h>

/* Registers the fork handlers, which must come before those of the program so that theirs run outside of ours; with
 * follow-children=no takes our variables out of `envp`, the kernel's array.  Context: early. */
void process_init(char **envp);

/* The program is about to end by whatever way: the summary, once.  Context: signal, late, takes(OWN_RANK_SINK). */
void process_about_to_end(void);
/* The same, said by ourselves from inside a hook; threads unjoined are none of its business.  Context: late. */
void process_say_end(void);

/* Around what makes a child with a copy of our memory past libc's handlers, on both sides.  Context: fork-child. */
void process_fork_prepare(void);
void process_fork_done(bool is_child);

/* Returns: false in a child that shares our memory (vfork) or was made behind our back (raw clone).
 * Context: signal, in-malloc, loader-lock, early, late. */
bool process_is_ours(void);

#endif
