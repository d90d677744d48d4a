/* decisions.c: loads whose value decides where the code goes, or what it reads: what a flag that hands data over, or a pointer
 * that publishes them, is loaded for; and a counter is not.
 *
 *   mov flag(%rip), %eax;  test %eax, %eax;  jz ...        mov head(%rip), %rax;  mov 8(%rax), %rdx
 *
 * Model:  the value is followed through moves and masks in straight code, up to a comparison, an address or a return.
 * Source: Jannesari & Tichy 2010, beyond its loops.
 */
#include "weaver/passes.h"

enum { INSNS_MOST = 12 };

enum fate { FATE_FOLLOWED, FATE_DECIDES, FATE_LOST };

static bool reads_register(const ZydisDecodedOperand *operand, register_set value)
{
    return operand->type == ZYDIS_OPERAND_TYPE_REGISTER && (operand->actions & ZYDIS_OPERAND_ACTION_MASK_READ) &&
           (register_bit(operand->reg.value) & value);
}

static bool reads(const struct insn *insn, register_set value)
{
    for (size_t i = 0; i < insn->decoded.operand_count_visible; i++) {
        if (reads_register(&insn->operands[i], value))
            return true;
    }
    return false;
}

static bool leads_to_memory(const struct insn *insn, register_set value)
{
    for (size_t i = 0; i < insn->decoded.operand_count_visible; i++) {
        const ZydisDecodedOperand *operand = &insn->operands[i];
        if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY && insn->decoded.mnemonic != ZYDIS_MNEMONIC_LEA &&
            ((register_bit(operand->mem.base) | register_bit(operand->mem.index)) & value))
            return true;
    }
    return false;
}

static bool compares(const struct insn *insn)
{
    return insn->decoded.mnemonic == ZYDIS_MNEMONIC_CMP || insn->decoded.mnemonic == ZYDIS_MNEMONIC_TEST;
}

/* What becomes of the value in the registers *value. */
static enum fate follow(const struct insn *insn, register_set *value)
{
    static const register_set returned = 1; /* RAX */
    if (leads_to_memory(insn, *value))
        return FATE_DECIDES;
    if (insn->role == ROLE_RETURN)
        return *value & returned ? FATE_DECIDES : FATE_LOST;
    if (insn->role != ROLE_PLAIN)
        return FATE_LOST;
    switch (insn->decoded.mnemonic) {
    case ZYDIS_MNEMONIC_CMP:
    case ZYDIS_MNEMONIC_TEST:
    case ZYDIS_MNEMONIC_BT:
        return reads(insn, *value) ? FATE_DECIDES : FATE_FOLLOWED;
    case ZYDIS_MNEMONIC_AND:
    case ZYDIS_MNEMONIC_SHR:
    case ZYDIS_MNEMONIC_SAR:
        return FATE_FOLLOWED;
    case ZYDIS_MNEMONIC_MOV:
    case ZYDIS_MNEMONIC_MOVZX:
    case ZYDIS_MNEMONIC_MOVSX:
    case ZYDIS_MNEMONIC_MOVSXD:
        if (reads_register(&insn->operands[1], *value)) {
            *value |= insn_changes(insn);
            return FATE_FOLLOWED;
        }
        break;
    default:
        break;
    }
    *value &= ~insn_changes(insn);
    return *value ? FATE_FOLLOWED : FATE_LOST;
}

static bool decides(const struct function *function, size_t load)
{
    if (compares(&function->insns[load])) {
        return true;
    }
    register_set value = insn_changes(&function->insns[load]);
    enum fate fate = value ? FATE_FOLLOWED : FATE_LOST;
    for (size_t i = load + 1; fate == FATE_FOLLOWED && i < function->insn_count && i <= load + INSNS_MOST; i++) {
        const struct insn *insn = &function->insns[i];
        if (insn->is_block_start)
            return false;
        fate = follow(insn, &value);
    }
    return fate == FATE_DECIDES;
}

void decisions_mark(struct function *function)
{
    for (size_t i = 0; i < function->insn_count; i++) {
        struct insn *insn = &function->insns[i];
        if (insn->role == ROLE_PLAIN && insn->access_count == 1 && insn->access[0].is_guess &&
            !insn->access[0].is_write)
            insn->access[0].decides = decides(function, i);
    }
}
