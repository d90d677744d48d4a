/* relocate.h: copies one instruction of the program to another address, so that it does there what it did. */
#ifndef LOCKHOUND_WEAVER_RELOCATE_H
#define LOCKHOUND_WEAVER_RELOCATE_H

#include "weaver/draft.h"
#include "weaver/model.h"

/* Returns: why the instruction cannot be copied, or NULL. */
const char *relocate_refusal(const struct insn *insn);
/* Copies an instruction that is no direct branch or call; a RIP-relative operand gets a fix-up. */
void relocate_copy(struct image_draft *draft, const struct elf_module *module, const struct insn *insn);
/* Emits a direct branch with a 32-bit displacement, and LOOP and JRCXZ as three.
 * Returns: the code offset of the rel32 field, which the caller fills in. */
uint32_t relocate_branch(struct image_draft *draft, const struct insn *insn);
/* Emits JMP rel32.  Returns: the code offset of the rel32 field. */
uint32_t relocate_jump(struct image_draft *draft);

#endif
