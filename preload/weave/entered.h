/* entered.h: which functions tell, when they are entered, where on the stack that is (struct plane_header, `entered`).
 *
 *   pc --frame_description.h--> start of its function --patch--> woven code --> begins so, or not
 *
 * Not such as are not woven, nor those whose entry is too short for a patch, or that begin with a gate.
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_ENTERED_H
#define LOCKHOUND_PRELOAD_WEAVE_ENTERED_H

#include <stdbool.h>
#include <stdint.h>

/* Returns: whether the function with that return address does, whoever calls it.  Context: signal, in-malloc, loader-lock. */
bool entered_is_told(uintptr_t pc);

#endif
