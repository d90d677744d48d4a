/* debugger.h: whether a debugger has set breakpoints in a module.
 *
 *   traced --> INT3 in memory where the file has none --> yes
 *
 * Why:       a debugger puts back what stood at a breakpoint before, whenever it stops the program: over a patch written
 *            meanwhile, that would be the program's end.  And where a copy runs, the breakpoint is never met.
 * Limit:     breakpoints that are set after weaving are kept by the debugger with the patch's own bytes, which harms nothing.
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_DEBUGGER_H
#define LOCKHOUND_PRELOAD_WEAVE_DEBUGGER_H

#include "preload/modules.h"

/* To be asked when a debugger is there: process_is_traced().  Context: loader-lock, in-malloc. */
bool debugger_is_in(const struct module *module);

#endif
