/* pc_map.h: from an address in woven code back to the program's own.
 *
 *   pc --> [images by address of their code, ascending] --> image --> places or sites, by binary search
 *
 * Threads:   readers take no lock: the table is replaced as a whole, and an old one stays readable for ever.  Writers hold
 *            OWN_RANK_MODULES.
 * Invariant: an image in the table stays mapped; pc_map_remove() comes before image_close().
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_PC_MAP_H
#define LOCKHOUND_PRELOAD_WEAVE_PC_MAP_H

#include "detector/race.h"
#include "preload/weave/image_map.h"

/* `image` stays where it is.  Returns: false when there is no memory.
 * Context: loader-lock, takes(OWN_RANK_MODULES), takes(OWN_RANK_ARENA). */
bool pc_map_add(struct woven_image *image);
/* Returns: the image that was woven for the module and is in the table no more; NULL when there is none.
 * Context: loader-lock, takes(OWN_RANK_MODULES), takes(OWN_RANK_ARENA). */
struct woven_image *pc_map_remove(const struct module *module);
/* Returns: the image in whose code `pc` lies, or NULL.  Context: signal, in-malloc, loader-lock. */
const struct woven_image *pc_map_image(uintptr_t pc);
/* Returns: the module's image, or NULL.  Context: signal, in-malloc, loader-lock. */
const struct woven_image *pc_map_image_of(const struct module *module);
/* Returns: the program's instruction that the one at `pc` in woven code stands for; 0 when `pc` is not in woven code.
 * Context: signal, in-malloc, loader-lock. */
uintptr_t pc_map_original(uintptr_t pc);
/* Returns: whether the image has an instruction's code at the offset `code`; it lies in [*low, *high), stubs apart.
 * Context: signal, in-malloc, loader-lock. */
bool pc_map_extent(const struct woven_image *image, uint64_t code, uint64_t *low, uint64_t *high);
/* Returns: the clone of the program's instruction at `pc` when a patch has overwritten it or what stands before it, else
 * `pc`: where to go on.  Context: signal, in-malloc, loader-lock. */
uintptr_t pc_map_resumable(uintptr_t pc);
/* Returns: the program's instruction whose short jump leads to the hole at `pc`; 0 when there is none: a patch of gates alone
 * leaves holes as they are, and nobody comes there.  Context: signal, in-malloc, loader-lock. */
uintptr_t pc_map_hopping(uintptr_t pc);
/* Returns: the gate whose call returns there, and its image; NULL when there is none.
 * Context: signal, in-malloc, loader-lock. */
const struct image_gate *pc_map_gate(uintptr_t return_address, const struct woven_image **image);

/* Returns: the site whose call of a routine returns to `return_address`, with the image's module; NULL when there is none.
 * Context: signal, in-malloc, loader-lock. */
const struct image_site *pc_map_site(uintptr_t return_address, const struct module **module);

/* Returns: the program's instruction at the site; 0 when there is none.  Context: signal, in-malloc, loader-lock. */
uintptr_t pc_map_site_address(uintptr_t return_address);

/* Returns: what the site says of its access: bits of enum race_access_flag.  Context: signal, in-malloc, loader-lock. */
static inline uint32_t pc_map_site_flags(const struct image_site *site)
{
    return ((site->flags & IMAGE_SITE_WRITE) != 0 ? RACE_WRITE : 0u) |
           ((site->flags & IMAGE_SITE_GUESS) != 0 ? RACE_GUESS : 0u) |
           ((site->flags & IMAGE_SITE_READ_MODIFY) != 0 ? RACE_READ_MODIFY : 0u) |
           ((site->flags & IMAGE_SITE_DECIDES) != 0 ? RACE_DECIDES : 0u) |
           ((site->flags & IMAGE_SITE_LOOKS) != 0 ? RACE_LOOKS : 0u) |
           ((site->flags & IMAGE_SITE_UNTOLD) != 0 ? RACE_UNTOLD : 0u);
}

#endif
