/* patches.h: which entries of a function can take the 5-byte jump to the clone.
 *
 * An entry that cannot takes a short jump to where the other one fits (holes.h).  One that cannot take this either, or that has
 * no hole near, is left as it is: control then runs the original from there to the first instruction that can.  So
 * what is patched must leave whole: other entries, CALL instructions (clones jump to them), other functions, and every
 * branch target that the original code which still runs can reach.
 */
#ifndef LOCKHOUND_WEAVER_PATCHES_H
#define LOCKHOUND_WEAVER_PATCHES_H

#include "weaver/draft.h"
#include "weaver/model.h"

enum patch_state {
    PATCH_NONE,        /* no entry */
    PATCH_TAKEN,       /* an entry that is patched, or an instruction behind one that is not */
    PATCH_LEFT,        /* an entry that is not */
    PATCH_HOP,         /* one that is, by a short jump to a hole */
    PATCH_KIND = 3,    /* mask of the above */
    PATCH_ORIGINAL = 4 /* bit: the original instruction still may run */
};

struct patch_plan {
    uint8_t *states; /* enum patch_state of each instruction */
    uint32_t *pads;  /* module address of the hole, for those that hop */
};

/* Returns: false when there is no memory.  Owns: the caller calls patches_free() in any case. */
bool patches_choose(struct patch_plan *plan, const struct elf_module *module, const struct function *function,
                    const struct image_draft *draft);
void patches_free(struct patch_plan *plan);

#endif
