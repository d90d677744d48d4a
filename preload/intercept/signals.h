/* signals.h: the program's signal handlers, each run between two events.
 *
 *   sigaction(n, handler) --> a slot of n holds the handler, the kernel gets the slot's trampoline
 *   signal n --> trampoline --> signal_enter --> handler(same arguments) --> signal_leave
 *   sigaction(n, NULL, &old) --> kernel says trampoline --> slot --> handler
 *
 * Model:     the kernel alone knows what is installed; a trampoline only names a slot, and a slot keeps its handler
 *            until all of its signal are used up: then it may get another while the kernel refers to a different one.
 *            So installing needs no lock, and SA_RESETHAND, fork and a failed call need no care.
 * Invariant: the levels of a thread (struct self) are the handlers that run on it, outermost first.  A handler that left
 *            by siglongjmp() is noticed by the place of its return address and dropped at the next hook.
 * Threads:   a slot is filled by compare-and-swap and used again by a plain store.  A trampoline that is on its way when
 *            its slot gets another handler runs that one, as if the signal had come after the handler was installed.
 *            Two threads that install for one signal at once may get one slot: then the one that comes second has
 *            replaced what the first installed, as either order of the two calls may.  Levels belong to their thread.
 */
#ifndef LOCKHOUND_PRELOAD_INTERCEPT_SIGNALS_H
#define LOCKHOUND_PRELOAD_INTERCEPT_SIGNALS_H

#include <signal.h>

#include "preload/self.h"

/* In a signal handler, before anything else.  Returns: true when the thread is where no handler may run: the signal comes again
 * as soon as one may, and this handler is to return at once.  Context: signal. */
bool signal_must_wait(int number, siginfo_t *info, void *context);

/* Tells the detector what handlers are installed: what was before it existed, and every change since.
 * Context: signal, early. */
void signals_init(void);

/* Forgets the handlers whose frames are gone when a hook with frame `frame` is called.  Context: signal. */
void signals_drop_popped(struct self *self, uintptr_t frame);

/* Returns: SIGNAL_BIT() of each that cannot come now: the calling thread has it blocked, or it is a fault, which comes of an
 * instruction of the thread's own.  Context: signal, in-malloc, loader-lock, early, late. */
uint64_t signals_blocked(void);

#endif
