/* interruption.h: a signal handler sees the program, not its clone.
 *
 *   kernel --context--> interruption_begin: clone's pc -> the program's --> handler --> interruption_end: and back
 *
 * Model:     a signal in the midst of a check, or of the routine behind it, came for the program right before the instruction
 *            (check_state.h, routine_state.h).  The plane's slots are kept: the handler's own woven code spills there too.
 * Changed:   a handler that moves the pc goes on in the program's own code, or in the clone when a patch stands there; other
 *            registers that it changes are changed.
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_INTERRUPTION_H
#define LOCKHOUND_PRELOAD_WEAVE_INTERRUPTION_H

#include <ucontext.h>

#include "preload/self.h"
#include "preload/weave/plane.h"

struct interruption {
    struct self *self; /* whose plane's spill slots were kept; NULL: none */
    bool is_woven;
    gregset_t true_registers, told_registers;
    struct routine_frame *frame; /* of the plane */
    struct plane_spills spills;
};

/* `context` is the ucontext_t that the kernel made.  Context of both: signal, in-malloc, loader-lock. */
void interruption_begin(struct interruption *interruption, void *context);
void interruption_end(const struct interruption *interruption, void *context);

#endif
