/* image_map.h: a module's woven image, found in the user's cache and mapped beside the module.
 *
 *   module --build-id, or hash and size--> CACHE/woven-1/NAME.woven --image_check--> tables (read-only)
 *                                          or in the spare folder
 *                                                            |
 *                                                            +--its home is free--> code, from the file, as it is needed
 *                                                            +--fix-ups--> code, copied, within 2 GiB of the module
 *
 * Trust:     the file must belong to the user or to root and be writable by nobody else; then image.h's checks, of its header
 *            alone when it is sealed; then it must name this very module.
 * Placement: the file far away, where no home is (far_memory.h); its code at home (image.h); else below the module where that is possible, for above the program its heap grows; else as far above as reaches.
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_IMAGE_MAP_H
#define LOCKHOUND_PRELOAD_WEAVE_IMAGE_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "preload/modules.h"
#include "weaver/image.h"

struct woven_image {
    const struct module *module;
    uint64_t code_hash;                 /* of the module's code, when it has no build-id */
    bool is_narrow;                     /* which form of it is meant: IMAGE_NARROW */
    const struct image_header *header;  /* the whole file, read-only */
    size_t size;                        /* of the file; units: bytes */
    bool is_sealed;                     /* the file is as it was made, by its time of change (image_check.h) */
    uintptr_t code;                     /* where the code section stands; 0 before image_map_code() */
    long fd;                            /* of the file, until then or until image_keep(); -1 */
    size_t (*usable_size)(void *block); /* the module's malloc_usable_size(); NULL when it is no allocator */
};

/* The elements of a table of the image. */
static inline const void *image_table(const struct woven_image *image, const struct image_table *table)
{
    return (const char *)image->header + table->offset;
}

/* Learns the cache's folder from the environment as the kernel gave it.  Context: early. */
void image_cache_init(char **envp);

/* Opens and checks the image of image->module in the form asked for; the rest of `image` is set.
 * Returns: NULL, or why there is none, as a constant string.  Context: loader-lock, in-malloc. */
const char *image_open(struct woven_image *image);
/* It is mapped later, when the descriptor may have been closed by the program or given out to it: does without.
 * Context: signal, in-malloc, loader-lock. */
void image_keep(struct woven_image *image);
/* Returns: NULL when it is to be mapped; else why the module is left, as the weaver says.  Context: signal, in-malloc. */
const char *image_refusal(const struct woven_image *image);
/* Returns: whether the module of the open image may change the GS base, which is that of the thread's plane.
 * Context: signal, in-malloc. */
bool image_uses_gs(const struct woven_image *image);
/* Maps the code where it can run.  Returns: NULL, or what failed.  Context: loader-lock, in-malloc. */
const char *image_map_code(struct woven_image *image);
/* The module was patched: gives back the pages of the file that no look-up needs.  Context: signal, in-malloc, loader-lock. */
void image_settle(const struct woven_image *image);
/* Nothing may run in its code any more.  Context: loader-lock, in-malloc. */
void image_close(struct woven_image *image);

#endif
