/* libunwind_walk.h: walks any stack by libunwind: past the frames of signals and other rare kinds; slowly, and behind a lock. */
#ifndef LOCKHOUND_PRELOAD_LIBUNWIND_WALK_H
#define LOCKHOUND_PRELOAD_LIBUNWIND_WALK_H

#include "preload/unwind.h"

/* Allocates by the program's allocator, once, in libunwind.  Before it stacks are one frame deep.  Context: early. */
void libunwind_walk_init(void);

/* As unwind_from(); `result` is empty.  Context: signal, loader-lock, in-malloc, takes(OWN_RANK_UNWIND). */
uintptr_t libunwind_walk(const struct unwind_start *start, uintptr_t pc, uint32_t max_depth, struct unwound *result);

/* Returns: true when `frame` is one of a walk, in libunwind, and signals wait.
 * Context: signal, loader-lock, in-malloc, early, late. */
bool libunwind_walk_is_at(const void *frame);

#endif
