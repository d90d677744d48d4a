/* interruption.h: a signal handler sees the program, not its clone.
 *
 *   kernel --context--> interruption_begin: clone's pc -> the program's --> handler --> interruption_end: and back
 *
 * Model:     registers are the program's but in the midst of a check, where one or two may be in the plane's spill slots;
 *            those are kept, for the handler's own woven code spills there too.
 * Changed:   a handler that moves the pc goes on in the program's own code, or in the clone when a patch stands there.
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_INTERRUPTION_H
#define LOCKHOUND_PRELOAD_WEAVE_INTERRUPTION_H

#include "preload/self.h"
#include "preload/weave/plane.h"

struct interruption {
    struct self *self;        /* whose plane's spill slots were kept; NULL: none */
    uintptr_t pc, program_pc; /* where the thread was interrupted, 0 while nothing is woven; what the handler is told */
    struct plane_spills spills;
};

/* `context` is the ucontext_t that the kernel made.  Context of both: signal, in-malloc, loader-lock. */
void interruption_begin(struct interruption *interruption, void *context);
void interruption_end(const struct interruption *interruption, void *context);

#endif
