/* check_state.h: the program's registers in the midst of a check: what the rest of the check would still put back.
 *
 *   clone:  [ save | compare | restore ] [ the instruction ]        stub: [ ... call ... | restore ] jmp --> restore
 *                       ^ pc ------ read on from here -------------------------------------------------->
 *
 * Model:     of what follows the pc only what saves and restores counts: registers to and from the plane's slots, the flags
 *            to and from RAX, RSP past the red zone and back.  The rest of a check changes nothing that is not put back.
 * Source:    weaver/scratch.c and weaver/check.c emit what is read here.
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_CHECK_STATE_H
#define LOCKHOUND_PRELOAD_WEAVE_CHECK_STATE_H

#include <ucontext.h>

#include "preload/weave/image_map.h"
#include "weaver/plane.h"

/* `registers` stand in the image's code, with the thread's plane at the GS base; they become the program's, but for the pc.
 * Context: signal, in-malloc, loader-lock. */
void check_state_present(const struct woven_image *image, const struct plane_header *header, greg_t *registers);

#endif
