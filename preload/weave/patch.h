/* patch.h: leads a module's control into its clones.
 *
 *   entry  (5 bytes)        --> jmp clone
 *   entry  (2 bytes: a hop) --> short jmp to a pad, 5 bytes that nobody runs --> jmp clone
 *   direct call or jump     --> the same, to the clone of its target
 *
 * Invariant: all patches are checked before the first is written: a call where a call is expected, and, unless the image is
 *            sealed and so as the weaver made it, in the module's code and not over one another.  Each segment gets its own
 *            protection back.
 * Threads:   no other thread may run in the module.
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_PATCH_H
#define LOCKHOUND_PRELOAD_WEAVE_PATCH_H

#include "preload/weave/image_map.h"

/* `gates_alone`: nothing but the entries of an allocator's functions.  Returns: NULL, or why the module was left as it was.  Context: loader-lock, in-malloc. */
const char *patch_module(const struct woven_image *image, bool gates_alone);

#endif
