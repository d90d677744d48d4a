/* additions.c: atomic instructions that add something to what is there, whatever that is.
 *
 *   lock add $1, x     lock inc x     mov $1, %eax;  lock xadd %eax, x      but not  xor %eax, %eax;  lock xadd %eax, x
 *
 * Model:  what is added is not 0: a constant, or, where the old value is asked for as well, one that straight code has set.
 * For:    detector/race_updates.h.
 */
#include "weaver/passes.h"

enum { INSNS_BACK = 8 };

/* Returns: true when straight code before `at` has last set the register to a constant other than 0. */
static bool is_set_to_something(const struct function *function, size_t at, ZydisRegister reg)
{
    size_t floor = at > INSNS_BACK ? at - INSNS_BACK : 0;
    while (at > floor && !function->insns[at].is_block_start) {
        const struct insn *insn = &function->insns[--at];
        if (insn->role != ROLE_PLAIN)
            return false;
        if (insn->decoded.mnemonic == ZYDIS_MNEMONIC_NEG)
            continue; /* of what is not 0 */
        if (insn_changes(insn) & register_bit(reg))
            return insn->operands[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && insn->operands[1].imm.value.u != 0 &&
                   (insn->decoded.mnemonic == ZYDIS_MNEMONIC_MOV || insn->decoded.mnemonic == ZYDIS_MNEMONIC_OR);
    }
    return false;
}

static bool adds(const struct function *function, size_t index)
{
    const struct insn *insn = &function->insns[index];
    const ZydisDecodedOperand *value = &insn->operands[1];
    switch (insn->decoded.mnemonic) {
    case ZYDIS_MNEMONIC_INC:
    case ZYDIS_MNEMONIC_DEC:
        return true;
    case ZYDIS_MNEMONIC_ADD:
    case ZYDIS_MNEMONIC_SUB:
        return value->type == ZYDIS_OPERAND_TYPE_IMMEDIATE ? value->imm.value.u != 0
                                                           : is_set_to_something(function, index, value->reg.value);
    case ZYDIS_MNEMONIC_XADD:
        return is_set_to_something(function, index, value->reg.value);
    default:
        return false;
    }
}

void additions_find(struct function *function)
{
    for (size_t i = 0; i < function->insn_count; i++) {
        struct insn *insn = &function->insns[i];
        struct access *access = &insn->access[0];
        access->adds = insn->role == ROLE_PLAIN && insn->access_count == 1 && access->role == ACCESS_ATOMIC &&
                       access->operand == 0 && adds(function, i);
    }
}
