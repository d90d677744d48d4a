/* lanes.h: goes through what an instruction touches element by element (weaver/lanes.h).
 *
 *   [mark of the site, mark of the lanes] + mask and indices in the header --lanes_begin--> --lanes_next--> address, size; ...
 *
 * Speed:   the check before looked at more than is touched, or did not look: most often all is known, and that is seen first.  So it lies
 *          in the section of the way to the slow path, and needs neither the thread nor its callers.
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

/* Returns: whether the tags say that it is known.  Units: bytes.  Context: signal, in-malloc, loader-lock. */
bool lanes_tags_know(const struct plane_header *header, uint64_t address, uint64_t size, bool is_write);
/* Returns: whether they say so of all that is touched: nothing is to be done.  Context: signal, in-malloc, loader-lock. */
bool lanes_are_known(const struct plane_header *header, uint64_t address, const struct routine_frame *frame);

/* Context: signal, in-malloc, loader-lock. */
struct lanes_walk lanes_begin(const struct plane_header *header, uint64_t address, const struct image_site *site,
                              const struct routine_frame *frame);
/* Returns: false when nothing is left; else *address and *size (units: bytes) of what is touched there.
 * Context: signal, in-malloc, loader-lock. */
bool lanes_next(struct lanes_walk *walk, uint64_t *address, uint64_t *size);

#endif
