/* cpython.h: what CPython does with semaphores, and the Python stack of the thread that holds the interpreter's lock.
 *
 *   sem_init, pthread_create --> cpython_stack() ---- Python frames, when this thread holds the GIL --> struct stack_id
 *   sem_trywait --> cpython_try_begin() --> the same, and: will it wait when the semaphore is taken?
 *                   cpython_try_failed() --> remembered: the thread now gives the GIL up and calls sem_wait
 *   sem_wait ----> cpython_wait_stack() --> what was remembered
 *
 * An interpreter is present when some module exports its names; what those modules are called does not matter.
 *
 * Intent: `_thread.lock.acquire()` and `with lock:` try the semaphore with the GIL held, and give the GIL up and wait
 *         only when that fails; acquire(False) makes the same try.  So a try is taken for a request that would wait
 *         when the Python frame that makes it executes a `with` or a call without arguments, and for a mere try in all
 *         other cases: acquire(False), acquire(timeout=1), and acquire(True), whose order is then seen only when it has
 *         to wait.
 * Costs:  nothing but one test of a flag where there is no Python.
 * Source: CPython's Python/thread_pthread.h, Modules/_threadmodule.c, Modules/_multiprocessing/semaphore.c.
 */
#ifndef LOCKHOUND_PRELOAD_RUNTIMES_CPYTHON_H
#define LOCKHOUND_PRELOAD_RUNTIMES_CPYTHON_H

#include "preload/hook.h"

/* What the Python code that is calling will do. */
enum cpython_intent {
    CPYTHON_TRIES,  /* or it cannot be told */
    CPYTHON_WAITS,  /* when a try fails */
    CPYTHON_SCOPED, /* the same, and releases at the end of a `with` */
};

struct cpython_thread; /* what is remembered for one thread */

extern bool cpython_is_present;

/* Looks for an interpreter once for each state of the list of modules.  Returns: true when there is one.
 * Context: signal, in-malloc, loader-lock, takes(OWN_RANK_SINK). */
bool cpython_look(void);

/* Returns: true for memory of the interpreter's runtime, where the mutex and the condition of the GIL are.
 * Context: signal, in-malloc, loader-lock, takes(OWN_RANK_SINK). */
bool cpython_owns(uintptr_t address);

/* Returns: true for a function of an interpreter that was seen before.  Context: signal, in-malloc, loader-lock. */
bool cpython_has_code(uintptr_t address);

/* `native`: what HOOK_STACK() said.  Context: takes(OWN_RANK_STACKS), takes(OWN_RANK_SINK). */
struct stack_id cpython_stack_of(struct self *self, struct stack_id native, enum cpython_intent *intent);
/* Context: signal. */
struct stack_id cpython_stack_of_wait(struct self *self, const void *sem, struct stack_id native,
                                      enum cpython_intent *intent);
/* The try of `sem` found it taken.  Context: signal. */
void cpython_remember_try(struct self *self, const void *sem, struct stack_id at, enum cpython_intent intent);
/* Context: reentrant. */
void cpython_forget_thread(struct cpython_thread *thread);

static inline struct stack_id cpython_stack(struct self *self, struct stack_id native)
{
    enum cpython_intent intent;
    return cpython_look() ? cpython_stack_of(self, native, &intent) : native;
}

static inline struct stack_id cpython_try_begin(struct self *self, struct stack_id native, enum cpython_intent *intent)
{
    *intent = CPYTHON_TRIES;
    return cpython_look() ? cpython_stack_of(self, native, intent) : native;
}

static inline void cpython_try_failed(struct self *self, const void *sem, struct stack_id at,
                                      enum cpython_intent intent)
{
    if (hook_unlikely(cpython_is_present))
        cpython_remember_try(self, sem, at, intent);
}

static inline struct stack_id cpython_wait_stack(struct self *self, const void *sem, struct stack_id native,
                                                 enum cpython_intent *intent)
{
    *intent = CPYTHON_TRIES;
    return hook_unlikely(cpython_is_present) ? cpython_stack_of_wait(self, sem, native, intent) : native;
}

#endif
