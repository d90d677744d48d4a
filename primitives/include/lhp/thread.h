/* thread.h: Thread, with a name, a state that can be asked for, and an orderly end of the process.
 *
 *   new --start--> alive --function returns, pthread_exit or cancel--> finished --join--> joined
 *
 *   operation                         may block   signal handler   destructor
 *   lhp_thread_new                    no          no               yes
 *   lhp_thread_start                  no          no               yes
 *   lhp_thread_join[_for]             yes         no               no
 *   lhp_thread_retain, release        no          no               yes
 *   lhp_thread_is_alive, daemon       no          no               yes
 *   lhp_thread_name, set_name         no          no               yes
 *   lhp_thread_ident, error           no          no               yes
 *   lhp_thread_native_id              yes (1)     no               yes
 *   lhp_thread_enumerate              no          no               yes
 *   lhp_thread_active_count           no          no               yes
 *   lhp_thread_current, main          no          no               yes (2)
 *   lhp_thread_set_exception_hook     no          no               yes
 *   lhp_thread_at_shutdown            no          no               yes
 *   lhp_thread_shutdown               yes         no               atexit only
 *
 *   (1) until the new thread has begun to run.
 *   (2) in a thread-local destructor the thread has left the list already, and a foreign object stands for what is left of
 *   it.
 *
 * Edges:        start happens before the function; the end of the thread, its thread-local destructors included, happens
 *               before the return of every successful join.  is_alive() promises nothing.
 * Exit:         exit() and a return from main() first wait for every thread that is not a daemon; daemons die with the
 *               process.  Do not start threads in functions given to atexit().
 * Failure:      a function that returns non-zero has failed; the exception hook is told, in that thread.
 * Cancellation: join is a cancellation point and may be repeated.  A cancelled thread counts as ended, not as failed.
 * Fork:         in the child only the forking thread is left, and it is the main thread; the others count as ended.
 * Lifetime:     counted references: new, enumerate and retain give one, release gives it back.  A running thread holds one
 *               of its own, so releasing a thread that still runs is fine: it is then detached.
 * Cost:         pthread_create() and pthread_join(), and a few uncontended mutexes.
 * Source:       Python's threading.Thread.
 */
#ifndef LHP_THREAD_H
#define LHP_THREAD_H

#include <lhp/status.h>
#include <pthread.h>
#include <sys/types.h>

struct lhp_thread;

enum lhp_daemon { LHP_DAEMON_INHERIT, LHP_DAEMON_NO, LHP_DAEMON_YES };

struct lhp_thread_options {
    const char *name; /* copied, 31 bytes at most; NULL for "Thread-N" */
    enum lhp_daemon daemon;
    size_t stack_size; /* Units: bytes; 0 for the system's */
};

LHP_BEGIN
/* A thread that will call fn(arg).  `options` may be NULL.
 * Returns: a reference, or NULL when there is no memory. */
LHP_API LHP_NODISCARD struct lhp_thread *lhp_thread_new(int (*fn)(void *arg), void *arg,
                                                        const struct lhp_thread_options *options);
LHP_API struct lhp_thread *lhp_thread_retain(struct lhp_thread *thread);
LHP_API void lhp_thread_release(struct lhp_thread *thread);
/* Returns: LHP_OK; LHP_BAD_STATE when it was started before; LHP_SYSTEM when there can be no more threads. */
LHP_API LHP_NODISCARD enum lhp_status lhp_thread_start(struct lhp_thread *thread);
/* Returns: LHP_OK; LHP_DEADLOCK for the calling thread itself; LHP_BAD_STATE before the start, and for a thread that
 * was not made by lhp_thread_new().  Any number of threads may join one thread, any number of times. */
LHP_API enum lhp_status lhp_thread_join(struct lhp_thread *thread);
/* Returns: as join, or LHP_TIMEOUT. */
LHP_API LHP_NODISCARD enum lhp_status lhp_thread_join_for(struct lhp_thread *thread, int64_t timeout_ns);
LHP_API bool lhp_thread_is_alive(struct lhp_thread *thread);
/* Copies the name, cut to `size`, into `name`. */
LHP_API void lhp_thread_name(struct lhp_thread *thread, char *name, size_t size);
LHP_API void lhp_thread_set_name(struct lhp_thread *thread, const char *name);
/* Returns: the identifier to libc, valid between start and the end of the thread; 0 before. */
LHP_API pthread_t lhp_thread_ident(struct lhp_thread *thread);
/* Returns: the identifier to the kernel (gettid), 0 before the start. */
LHP_API pid_t lhp_thread_native_id(struct lhp_thread *thread);
LHP_API bool lhp_thread_daemon(struct lhp_thread *thread);
/* Returns: what the function returned; 0 before the end and after pthread_exit or cancel. */
LHP_API int lhp_thread_error(struct lhp_thread *thread);

/* Returns: the calling thread, also when libc or another library made it; borrowed, valid while the thread lives. */
LHP_API struct lhp_thread *lhp_thread_current(void);
LHP_API struct lhp_thread *lhp_thread_main(void);
/* Writes references to at most `capacity` live threads to `threads`.  Returns: how many live, perhaps more. */
LHP_API size_t lhp_thread_enumerate(struct lhp_thread **threads, size_t capacity);
LHP_API size_t lhp_thread_active_count(void);
/* `hook` is called in a thread whose function failed; NULL for the default, a line on stderr. */
LHP_API void lhp_thread_set_exception_hook(void (*hook)(struct lhp_thread *thread, int error));
/* Calls fn(arg) when the process begins to leave, before threads are waited for; last registered, first called.
 * Returns: LHP_OK or LHP_NO_MEMORY. */
LHP_API LHP_NODISCARD enum lhp_status lhp_thread_at_shutdown(void (*fn)(void *arg), void *arg);
/* What exit() does first: the functions above, then a join of every thread that is no daemon.  For programs that leave
 * by _exit(). */
LHP_API void lhp_thread_shutdown(void);
LHP_END

#endif
