/* routine_state.h: the registers of woven code while a routine behind a miss runs.
 *
 *   [ ... | pushed registers | return address of the site | red zone | program's stack ]
 *                             ^ found by plane->frame, or by looking for an address that is a site's
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_ROUTINE_STATE_H
#define LOCKHOUND_PRELOAD_WEAVE_ROUTINE_STATE_H

#include <stdbool.h>
#include <ucontext.h>

struct plane;

/* `registers` are those of the thread, which owns the plane.  Returns: whether they stood in a routine: then they are now as
 * when it has returned, but for the flags, which it does not keep.  Context: signal, in-malloc, loader-lock. */
bool routine_state_present(const struct plane *plane, greg_t *registers);

#endif
