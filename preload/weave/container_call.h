/* container_call.h: a container's accesses in a library without debug information, which are as certain as its callers'.
 *
 *   stack: [a string's append() in libstdc++] <-- [its assign()] <-- [the program: with or without debug information]
 *          in the image's table of containers        likewise         IMAGE_DESCRIBED: certain
 *
 * Why:       nobody's atomic variable is part of a container.  But a program whose atomics are not known may share one in an
 *            order that is not seen.
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_CONTAINER_CALL_H
#define LOCKHOUND_PRELOAD_WEAVE_CONTAINER_CALL_H

#include <stdbool.h>

#include "detector/ids.h"

/* Returns: true when the innermost frame is a container's, called by code whose atomics are not known, or nobody knows by whom.
 * Context: signal, in-malloc, loader-lock. */
bool container_call_is_doubtful(struct stack_id stack);

#endif
