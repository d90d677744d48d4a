/* holes.h: bytes near a function that nobody ever runs, where the jump of an entry fits that has no room for it.
 *
 *   entry, 2 bytes --short jump--> hole, 5 bytes --jump--> clone
 *
 * Model:     compilers fill up before functions and loops, with NOP and INT3.  What stands behind an instruction that does not go
 *            on, and is no entry and no target of a branch, is a hole; and so is all between two functions, when nothing else
 *            is there.  Code that patches have made dead is none: a signal handler may lead back into it.
 * Invariant: a hole that was taken overlaps no patch and no other hole that was; the draft remembers those of functions before.
 */
#ifndef LOCKHOUND_WEAVER_HOLES_H
#define LOCKHOUND_WEAVER_HOLES_H

#include "weaver/draft.h"
#include "weaver/model.h"
#include "weaver/patches.h"

/* Returns: the address of a hole that the entry at insns[index] reaches by a short jump; 0 when there is none. */
uint64_t hole_find(const struct elf_module *module, const struct function *function, const struct image_draft *draft,
                   const struct patch_plan *plan, size_t index);

#endif
