/* switch.h: whether accesses are checked at all, for hooks that must cost next to nothing while they are not.
 *
 * Set with the first plane, when there is only one thread, and never taken back.
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_SWITCH_H
#define LOCKHOUND_PRELOAD_WEAVE_SWITCH_H

#include <stdbool.h>

extern bool weave_on;

#endif
