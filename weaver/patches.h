/* patches.h: which entries of a function can take the 5-byte jump to the clone.
 *
 * An entry that cannot is left as it is: control then runs the original from there to the first instruction that can.  So
 * what is patched must leave whole: other entries, CALL instructions (clones jump to them), other functions, and every
 * branch target that the original code which still runs can reach.
 */
#ifndef LOCKHOUND_WEAVER_PATCHES_H
#define LOCKHOUND_WEAVER_PATCHES_H

#include "weaver/model.h"

enum patch_state {
    PATCH_NONE,        /* no entry */
    PATCH_TAKEN,       /* an entry that is patched, or an instruction behind one that is not */
    PATCH_LEFT,        /* an entry that is not */
    PATCH_ORIGINAL = 4 /* bit: the original instruction still may run */
};

/* Returns: enum patch_state of each instruction; NULL when there is no memory.  Owns: the caller frees. */
uint8_t *patches_choose(const struct elf_module *module, const struct function *function);

#endif
