/* registers.c: Zydis' registers as bits of a register_set. */
#include "weaver/passes.h"

register_set register_bit(ZydisRegister reg)
{
    if (reg >= ZYDIS_REGISTER_RAX && reg <= ZYDIS_REGISTER_R15)
        return (register_set)1 << (reg - ZYDIS_REGISTER_RAX);
    if (reg >= ZYDIS_REGISTER_EAX && reg <= ZYDIS_REGISTER_R15D)
        return (register_set)1 << (reg - ZYDIS_REGISTER_EAX);
    if (reg >= ZYDIS_REGISTER_AX && reg <= ZYDIS_REGISTER_R15W)
        return (register_set)1 << (reg - ZYDIS_REGISTER_AX);
    if (reg >= ZYDIS_REGISTER_AL && reg <= ZYDIS_REGISTER_BL)
        return (register_set)1 << (reg - ZYDIS_REGISTER_AL);
    if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH)
        return (register_set)1 << (reg - ZYDIS_REGISTER_AH);
    if (reg >= ZYDIS_REGISTER_SPL && reg <= ZYDIS_REGISTER_R15B)
        return (register_set)1 << (reg - ZYDIS_REGISTER_SPL + 4);
    return 0;
}

bool register_is_whole(ZydisRegister reg)
{
    return reg >= ZYDIS_REGISTER_EAX && reg <= ZYDIS_REGISTER_R15;
}

register_set insn_changes(const struct insn *insn)
{
    register_set changed = 0;
    for (size_t i = 0; i < insn->decoded.operand_count; i++) {
        const ZydisDecodedOperand *operand = &insn->operands[i];
        if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER && (operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
            changed |= register_bit(operand->reg.value);
    }
    return changed;
}

register_set insn_names(const struct insn *insn)
{
    register_set named = 0;
    for (size_t i = 0; i < insn->decoded.operand_count; i++) {
        const ZydisDecodedOperand *operand = &insn->operands[i];
        if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER)
            named |= register_bit(operand->reg.value);
        else if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY)
            named |= register_bit(operand->mem.base) | register_bit(operand->mem.index);
    }
    return named;
}

bool insn_writes_flags(const struct insn *insn)
{
    const ZydisAccessedFlags *flags = insn->decoded.cpu_flags;
    return flags && (flags->modified | flags->set_0 | flags->set_1 | flags->undefined) != 0;
}

bool insn_clears(const struct insn *insn)
{
    const ZydisDecodedOperand *to = &insn->operands[0], *from = &insn->operands[1];
    return (insn->decoded.mnemonic == ZYDIS_MNEMONIC_XOR || insn->decoded.mnemonic == ZYDIS_MNEMONIC_SUB) &&
           to->type == ZYDIS_OPERAND_TYPE_REGISTER && from->type == ZYDIS_OPERAND_TYPE_REGISTER &&
           to->reg.value == from->reg.value;
}
