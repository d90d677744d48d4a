/* nesting.h: whether a hook, or a routine behind a check, runs inside of another one of its thread, or that one has been left.
 *
 *   hook [frame f, inside] --real call or handler--> another, deeper: nested, and passes through
 *                          --siglongjmp() of a handler--> another, anywhere: the first is gone, and this one is as any
 *
 * Model:     what is nested stands deeper than what it is in.  A handler that interrupts a hook is remembered by the place of its
 *            return address: when that is gone, and the handler has not returned, it took the hook with it.
 * Code:      compiled without vector registers: routines of woven code ask as well.
 * Test:      tests/programs/races/handlers.c.
 */
#ifndef LOCKHOUND_PRELOAD_NESTING_H
#define LOCKHOUND_PRELOAD_NESTING_H

#include "preload/self.h"

/* Returns: true when a handler has returned or was left, as a hook with frame `frame` can tell.  Context: signal. */
bool nesting_is_popped(const struct self *self, const struct signal_level *level, uintptr_t frame);

/* The thread is inside, and comes to a hook or routine with frame `frame`.  Returns: whether that is nested; if not, what it was
 * inside of is forgotten.  Context: signal, in-malloc, loader-lock. */
bool nesting_is_inside(struct self *self, uintptr_t frame);

/* A handler whose return address stands at `place` begins in a thread that is inside.  Context: signal. */
void nesting_interrupt(struct self *self, const uintptr_t *place);
/* It returns, in any thread: it may have gone on in another.  Context: signal. */
void nesting_resume(const uintptr_t *place);

#endif
