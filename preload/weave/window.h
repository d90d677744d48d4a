/* window.h: how large the windows of all planes are, chosen once by the address space that there is.
 *
 *   room >= 1 TiB --------------> 4 GiB of program addresses a window; images as usual
 *   less (ulimit -v, ...) ------> so much that enough planes take half of the room; narrow images (weaver/image.h)
 *
 * Model:   the room is what one mapping gets now, for limits on address space and on memory that is promised end there alike.
 *          The other half of it stays the program's, and so does what is left when it makes fewer threads.
 * Threads: chosen when there is one thread.
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_WINDOW_H
#define LOCKHOUND_PRELOAD_WEAVE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

/* Looks how much room there is; the first call alone.  Returns: false when there is none for planes.  Context: may-block. */
bool window_choose(void);

/* After window_choose().  Context of all: signal, in-malloc, loader-lock. */

/* Returns: the bits of an address by which tags are found: PLANE_WIDE or fewer. */
unsigned window_bits(void);
bool window_is_narrow(void);
/* Returns: how many planes there may be. */
uint32_t window_planes_max(void);
/* Returns: how many entries a thread's history has; a power of two. */
uint32_t window_history_entries(void);

#endif
