/* unknown_code.h: whether code that was made at run time has called the program's: a compiler's of Java or JavaScript, say.
 *
 *   stacks taken since the last look --a frame outside of all modules--> mapped, executable, of no file? --> yes
 *
 * Why:       such code is not woven, so that its atomic operations order nothing that is seen; and what it published may be
 *            handed on by others.  Races are told with that doubt from then on.
 * Invariant: once yes, always yes.  A frame that walking a stack came to by mistake says nothing.
 */
#ifndef LOCKHOUND_PRELOAD_UNKNOWN_CODE_H
#define LOCKHOUND_PRELOAD_UNKNOWN_CODE_H

#include <stdbool.h>

/* Goes through the stacks that are new, and through the list of mappings for a frame in question.
 * Context: signal, in-malloc. */
bool unknown_code_has_run(void);

#endif
