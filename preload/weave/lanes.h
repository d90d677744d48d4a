/* lanes.h: goes through what an instruction touches element by element (weaver/lanes.h).
 *
 *   [mark of the site, mark of the lanes] + mask and indices in the header --lanes_begin--> --lanes_next--> address, size; ...
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_LANES_H
#define LOCKHOUND_PRELOAD_WEAVE_LANES_H

#include <stdbool.h>

#include "preload/weave/routines.h"
#include "weaver/image.h"

struct lanes_walk {
    struct image_lanes told;
    const uint8_t *indices; /* in the header; of gathered ones */
    uint64_t address;       /* as the routine was given it */
    uint64_t left;          /* bits of elements where they are gathered, of bytes else */
};

/* Context: signal, in-malloc, loader-lock. */
struct lanes_walk lanes_begin(const struct plane_header *header, uint64_t address, const struct image_site *site,
                              const struct routine_frame *frame);
/* Returns: false when nothing is left; else *address and *size (units: bytes) of what is touched there.
 * Context: signal, in-malloc, loader-lock. */
bool lanes_next(struct lanes_walk *walk, uint64_t *address, uint64_t *size);

#endif
