/* coroutine.h: generators and a round-robin scheduler: several flows of control in one thread.
 *
 *   new --next--> body runs --yield(value)--> suspended --next / send / throw--> ... --returns--> stopped
 *                                                 +--close: yield answers LHP_CLOSED, body cleans up--> stopped
 *
 *   operation                          may block   signal handler   destructor
 *   lhp_generator_new                  no          no               yes
 *   lhp_generator_release              body        no               yes
 *   lhp_generator_next, send, throw    body        no               yes
 *   lhp_generator_close                body        no               yes
 *   lhp_yield, lhp_yield_from          switches    no               no
 *   lhp_scheduler_new, spawn           no          no               yes
 *   lhp_scheduler_release              tasks       no               no
 *   lhp_scheduler_run                  yes         no               no
 *   lhp_task_yield, lhp_task_sleep     switches    no               no
 *
 * Edges:        everything before a switch happens before everything after it, as within one thread.
 * Rule:         a generator may be resumed by several threads only one after the other; a scheduler belongs to the
 *               thread that runs it.  A body must not be left by longjmp, pthread_exit or cancellation.
 * Cancellation: the switches are not cancellation points; a thread cancelled inside a body leaks its stack.
 * Fork:         generators go on in the child, in the thread that forked.
 * Lifetime:     release closes first.  Objects on a generator's stack live until its body returns.
 * Cost:         swapcontext(): a system call for the signal mask, about half a microsecond a round trip; a stack of its
 *               own with a guard page below.
 * Source:       Python's generators (PEP 255, 342, 380); POSIX.1-2001 makecontext().
 */
#ifndef LHP_COROUTINE_H
#define LHP_COROUTINE_H

#include <lhp/status.h>

struct lhp_generator;
struct lhp_scheduler;

/* Returns: what the last next or send sets as *value. */
typedef void *lhp_generator_body(struct lhp_generator *self, void *arg);

LHP_BEGIN
/* `stack_size` 0 means 256 KiB.  Returns: a generator that has not begun, or NULL when there is no memory. */
LHP_API LHP_NODISCARD struct lhp_generator *lhp_generator_new(lhp_generator_body *body, void *arg, size_t stack_size);
/* Closes it and frees it, even if it refuses to close. */
LHP_API void lhp_generator_release(struct lhp_generator *generator);
/* Runs it to its next yield.  Returns: LHP_OK and the value yielded; LHP_STOPPED and the value returned (NULL from then
 * on); LHP_BAD_STATE when it is running already. */
LHP_API LHP_NODISCARD enum lhp_status lhp_generator_next(struct lhp_generator *generator, void **value);
/* As next, and the yield it waits in answers `sent`.  Returns: as next; LHP_INVALID for a value other than NULL before
 * the first yield. */
LHP_API LHP_NODISCARD enum lhp_status lhp_generator_send(struct lhp_generator *generator, void *sent, void **value);
/* As next, and the yield it waits in returns `error`.  A generator that has not begun stops. */
LHP_API LHP_NODISCARD enum lhp_status lhp_generator_throw(struct lhp_generator *generator, enum lhp_status error,
                                                          void **value);
/* Lets it clean up.  Returns: LHP_OK; LHP_FAILED when it yields instead of returning; LHP_BAD_STATE when it is running. */
LHP_API enum lhp_status lhp_generator_close(struct lhp_generator *generator);

/* Inside a body: hands out `value` and waits.  Sets *sent, if not NULL.  Returns: LHP_OK, or what was thrown:
 * LHP_CLOSED asks the body to return. */
LHP_API LHP_NODISCARD enum lhp_status lhp_yield(struct lhp_generator *self, void *value, void **sent);
/* Inside a body: yields whatever `other` yields, passes on to it what is sent and thrown, and sets *result to what it
 * returns.  Returns: LHP_OK, or what was thrown and ended it. */
LHP_API LHP_NODISCARD enum lhp_status lhp_yield_from(struct lhp_generator *self, struct lhp_generator *other,
                                                     void **result);

LHP_API LHP_NODISCARD struct lhp_scheduler *lhp_scheduler_new(void);
/* Not while it runs.  Tasks that have not ended are closed. */
LHP_API void lhp_scheduler_release(struct lhp_scheduler *scheduler);
/* Adds a task at the end of the round, before or during the run.  Returns: LHP_OK or LHP_NO_MEMORY. */
LHP_API LHP_NODISCARD enum lhp_status
lhp_scheduler_spawn(struct lhp_scheduler *scheduler, void (*fn)(struct lhp_scheduler *scheduler, void *arg), void *arg);
/* Runs the tasks in turn until all have ended; sleeps only when every one of them does. */
LHP_API void lhp_scheduler_run(struct lhp_scheduler *scheduler);
/* Inside a task: lets the others run.  Returns: LHP_OK; LHP_CLOSED when the scheduler is released. */
LHP_API enum lhp_status lhp_task_yield(struct lhp_scheduler *scheduler);
/* Inside a task: lets the others run for at least that long.  Tasks go on in the order in which their times come. */
LHP_API enum lhp_status lhp_task_sleep(struct lhp_scheduler *scheduler, int64_t duration_ns);
LHP_END

#endif
