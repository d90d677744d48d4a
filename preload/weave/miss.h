/* miss.h: a check has missed and the quick path does not do: callers first, then the race engine.
 *
 *   site --its mark--> size, flags, frame --callers changed?--> stack of the callers --> history
 *                                       \--> race_access() or race_atomic_*() --> history, present tag
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_MISS_H
#define LOCKHOUND_PRELOAD_WEAVE_MISS_H

#include "preload/weave/routines.h"

/* The thread is inside; its vector registers are its own.  Sets RSI to 0 for a run that is refused.  Context: signal, in-malloc, loader-lock. */
void miss(uint64_t address, struct routine_frame *frame, struct plane *plane);
/* Puts an entry of the access at plane->site into the history.  Returns: what it says of it.
 * Context: signal, in-malloc, loader-lock. */
uint32_t miss_note(struct plane *plane, uint64_t address, uint64_t size, uint32_t flags);
/* Notes who the callers are, and clears context_changed.
 * Context: signal, in-malloc, loader-lock. */
void miss_callers(const struct routine_frame *frame, struct plane *plane);

#endif
