/* process.h: Process, a function that runs in a child of its own.
 *
 *   new --start (fork)--> alive --returns, exits or is killed--> ended --join, is_alive or exitcode--> reaped --> close
 *
 *   operation                    may block   signal handler   destructor
 *   lhp_process_new, start       no          no               no
 *   lhp_process_join[_for]       yes         no               no
 *   lhp_process_is_alive, pid    no          no               yes
 *   lhp_process_exitcode         no          no               yes
 *   lhp_process_name, daemon     no          yes              yes
 *   lhp_process_active_count     no          no               yes
 *   lhp_process_terminate, kill  no          no               yes
 *   lhp_process_close            no          no               yes
 *
 * Edges:        start happens before the function; the end of the child happens before the return of a successful join.
 *               Only shared memory, pipes and files carry data between them.
 * Exit:         the child leaves with what the function returned as its status, after waiting for its own threads and
 *               flushing stdio, and without the parent's atexit functions.  At exit() of the parent daemons are
 *               terminated, the others waited for.
 * Cancellation: join is a cancellation point and may be repeated.
 * Fork:         a child of a threaded process has only the forking thread: what others had locked stays locked in it,
 *               except for malloc, stdio and this library's own registers.
 * Lifetime:     close frees an ended process.  An object belongs to the process that made it.
 * Cost:         fork(); waiting is by pidfd, without polling (on kernels before 5.3: every 5 ms).
 * Source:       Python's multiprocessing.Process with the fork start method.
 */
#ifndef LHP_PROCESS_H
#define LHP_PROCESS_H

#include <lhp/status.h>
#include <sys/types.h>

struct lhp_process;

struct lhp_process_options {
    const char *name; /* copied, 31 bytes at most; NULL for "Process-N" */
    bool daemon;      /* terminated when the parent exits; may not have children itself */
};

LHP_BEGIN
/* A process that will run fn(arg).  `options` may be NULL.  Returns: the object, or NULL when there is no memory. */
LHP_API LHP_NODISCARD struct lhp_process *lhp_process_new(int (*fn)(void *arg), void *arg,
                                                          const struct lhp_process_options *options);
/* Returns: LHP_OK; LHP_BAD_STATE when it was started before, or the caller is a daemon; LHP_SYSTEM. */
LHP_API LHP_NODISCARD enum lhp_status lhp_process_start(struct lhp_process *process);
/* Returns: LHP_OK, or LHP_BAD_STATE before the start. */
LHP_API enum lhp_status lhp_process_join(struct lhp_process *process);
/* Returns: as join, or LHP_TIMEOUT. */
LHP_API LHP_NODISCARD enum lhp_status lhp_process_join_for(struct lhp_process *process, int64_t timeout_ns);
LHP_API bool lhp_process_is_alive(struct lhp_process *process);
/* Returns: the child's pid, 0 before the start. */
LHP_API pid_t lhp_process_pid(struct lhp_process *process);
/* Sets *code to the exit status, or to minus the signal that killed it; 255 when somebody else reaped it.
 * Returns: LHP_OK, or LHP_BAD_STATE while it has not ended. */
LHP_API LHP_NODISCARD enum lhp_status lhp_process_exitcode(struct lhp_process *process, int *code);
/* SIGTERM.  Returns: LHP_OK, also when it has ended; LHP_BAD_STATE before the start. */
LHP_API enum lhp_status lhp_process_terminate(struct lhp_process *process);
/* SIGKILL. */
LHP_API enum lhp_status lhp_process_kill(struct lhp_process *process);
LHP_API void lhp_process_name(struct lhp_process *process, char *name, size_t size);
LHP_API bool lhp_process_daemon(struct lhp_process *process);
/* Returns: LHP_OK and the object is gone, or LHP_BAD_STATE while it is alive. */
LHP_API enum lhp_status lhp_process_close(struct lhp_process *process);
/* Returns: how many children are alive; reaps those that are not. */
LHP_API size_t lhp_process_active_count(void);
LHP_END

#endif
