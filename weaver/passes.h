/* passes.h: what function_model_make() does to one function, in this order.
 *
 *   bytes --decode--> instructions --blocks--> --cfi--> --accesses--> --spin_loops--> --liveness--> model
 *
 * Each pass reads what the ones before it wrote.  None changes the module.
 */
#ifndef LOCKHOUND_WEAVER_PASSES_H
#define LOCKHOUND_WEAVER_PASSES_H

#include "weaver/elf_private.h"

enum { FUNCTION_NONE = UINT32_MAX };

/* Decodes the whole range.  Returns: false when there is no memory. */
bool decode_function(const struct elf_module *module, struct function *function);

/* Returns: the index of the instruction that begins at `address`, or FUNCTION_NONE. */
uint32_t function_find(const struct function *function, uint64_t address);

/* Returns: whether control may go from `insn` to the one after it. */
static inline bool insn_falls_through(const struct insn *insn)
{
    return insn->role == ROLE_PLAIN || insn->role == ROLE_BRANCH || insn->role == ROLE_CALL;
}

#endif
