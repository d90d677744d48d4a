/* symbolic.h: frames of languages whose functions are not code of a module: known by name, file and line.
 *
 *   interpreter's frame --> symbolic_intern() --> struct frame {module FRAME_SYMBOLIC, pc its number} --> stacks_intern()
 *                                                                    sink <-- symbolic_get(number) <--/
 *
 * Invariant: what is interned is never changed or removed; equal frames have equal numbers, so that equal stacks of them
 *            have equal numbers too.
 * Threads:   insertion takes OWN_RANK_STACKS; reading by number takes nothing.
 */
#ifndef LOCKHOUND_PRELOAD_SYMBOLIC_H
#define LOCKHOUND_PRELOAD_SYMBOLIC_H

#include <stdint.h>

#include "preload/stacks.h"

struct symbolic {
    struct interned interned;
    uint32_t line;
    const char *function, *file;
};

/* Copies what it is given.  Returns: the frame, or one of module 0 when there is no memory.
 * Context: signal, in-malloc, takes(OWN_RANK_STACKS). */
struct frame symbolic_intern(const char *function, const char *file, uint32_t line);
/* Returns: the frame numbered `number`, or NULL.  Context: signal, in-malloc, loader-lock. */
const struct symbolic *symbolic_get(uintptr_t number);

#endif
