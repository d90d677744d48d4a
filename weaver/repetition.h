/* repetition.h: a store of what is there already is no access: its check is passed over (table_stores.c says for which stores).
 *
 *   cmp (place), value;  je behind the check            a vector register is looked at in memory, a half at a time
 */
#ifndef LOCKHOUND_WEAVER_REPETITION_H
#define LOCKHOUND_WEAVER_REPETITION_H

#include "weaver/encode.h"
#include "weaver/passes.h"

/* `reg` is free for use, and so are the flags.  Returns: the field of a jump over the check, which encode_jump_end() ends; 0: there is none. */
uint32_t repetition_begin(struct image_draft *draft, const struct insn *insn, const struct access *access,
                          const struct encode_operand *operand, unsigned reg);
/* Returns: the registers that it needs with the program's values, but for those of the address. */
register_set repetition_needs(const struct insn *insn, const struct access *access);

#endif
