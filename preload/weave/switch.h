/* switch.h: whether accesses are checked at all, and whether blocks are noted, for hooks that must cost next to nothing
 * otherwise.
 *
 *   start, races looked for --> blocks_on --first plane--> weave_on as well, never taken back
 *                                         \--no plane can be had--> neither
 *
 * Threads:   both change when there is only one thread.
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_SWITCH_H
#define LOCKHOUND_PRELOAD_WEAVE_SWITCH_H

#include <stdbool.h>

extern bool weave_on;  /* accesses are checked */
extern bool blocks_on; /* blocks.h is told what the allocator gives out; true wherever weave_on is */

#endif
