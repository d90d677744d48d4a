/* decisions.c: loads whose value decides where the code goes, or what it reads: what a flag that hands data over, or a pointer
 * that publishes them, is loaded for; and a counter is not.
 *
 *   mov flag(%rip), %eax;  test %eax, %eax;  jz ...        mov head(%rip), %rax;  mov 8(%rax), %rdx
 *
 * Check:  what is behind such a load in time has its check behind it in place: it meets all that came before the store that the
 *         load saw, however long the thread was stopped between the two.  Where the load overwrites what its address is made
 *         of, the address is kept in a spill slot.
 * Model:  the value is followed through moves, places on the frame and masks in straight code, up to a comparison, an address,
 *         a return or an argument of a call.
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

/* Where the value is: in registers, and where code that was not optimised has put it down on its frame. */
struct whereabouts {
    register_set value;
    ZydisRegister base; /* of the place on the frame; none: ZYDIS_REGISTER_NONE */
    int64_t displacement;
};

static bool is_on_frame(const ZydisDecodedOperand *operand)
{
    return operand->type == ZYDIS_OPERAND_TYPE_MEMORY && operand->mem.index == ZYDIS_REGISTER_NONE &&
           (operand->mem.base == ZYDIS_REGISTER_RBP || operand->mem.base == ZYDIS_REGISTER_RSP);
}

static bool is_put_down_at(const struct whereabouts *at, const ZydisDecodedOperand *operand)
{
    return is_on_frame(operand) && operand->mem.base == at->base && operand->mem.disp.value == at->displacement;
}

/* Returns: whether it moves the value on. */
static bool moves_value(const struct insn *insn, struct whereabouts *at)
{
    const ZydisDecodedOperand *to = &insn->operands[0], *from = &insn->operands[1];
    if (!reads_register(from, at->value) && !is_put_down_at(at, from))
        return false;
    at->value |= insn_changes(insn);
    if (is_on_frame(to)) {
        at->base = to->mem.base;
        at->displacement = to->mem.disp.value;
    }
    return true;
}

/* What becomes of the value. */
static enum fate follow(const struct insn *insn, struct whereabouts *at)
{
    static const register_set returned = 1;      /* RAX */
    static const register_set arguments = 0x3c6; /* RDI, RSI, RDX, RCX, R8, R9 */
    if (leads_to_memory(insn, at->value))
        return FATE_DECIDES;
    if (insn->role == ROLE_RETURN)
        return at->value & returned ? FATE_DECIDES : FATE_LOST;
    if (insn->role == ROLE_CALL)
        return at->value & arguments ? FATE_DECIDES : FATE_LOST;
    if (insn->role != ROLE_PLAIN)
        return FATE_LOST;
    switch (insn->decoded.mnemonic) {
    case ZYDIS_MNEMONIC_CMP:
    case ZYDIS_MNEMONIC_TEST:
    case ZYDIS_MNEMONIC_BT:
        return reads(insn, at->value) || is_put_down_at(at, &insn->operands[0]) ? FATE_DECIDES : FATE_FOLLOWED;
    case ZYDIS_MNEMONIC_AND:
    case ZYDIS_MNEMONIC_SHR:
    case ZYDIS_MNEMONIC_SAR:
        return FATE_FOLLOWED;
    case ZYDIS_MNEMONIC_MOV:
    case ZYDIS_MNEMONIC_MOVZX:
    case ZYDIS_MNEMONIC_MOVSX:
    case ZYDIS_MNEMONIC_MOVSXD:
        if (moves_value(insn, at))
            return FATE_FOLLOWED;
        break;
    default:
        break;
    }
    at->value &= ~insn_changes(insn);
    return at->value || at->base != ZYDIS_REGISTER_NONE ? FATE_FOLLOWED : FATE_LOST;
}

static bool decides(const struct function *function, size_t load)
{
    if (compares(&function->insns[load])) {
        return true;
    }
    struct whereabouts at = {insn_changes(&function->insns[load]), ZYDIS_REGISTER_NONE, 0};
    enum fate fate = at.value ? FATE_FOLLOWED : FATE_LOST;
    for (size_t i = load + 1; fate == FATE_FOLLOWED && i < function->insn_count && i <= load + INSNS_MOST; i++) {
        const struct insn *insn = &function->insns[i];
        if (insn->is_block_start)
            return false;
        fate = follow(insn, &at);
    }
    return fate == FATE_DECIDES;
}

static bool overwrites_its_address(const struct insn *insn)
{
    const ZydisDecodedOperand *from = &insn->operands[insn->access[0].operand];
    return ((register_bit(from->mem.base) | register_bit(from->mem.index)) & insn_changes(insn)) != 0;
}

void decisions_put_behind(const struct insn *insn, struct access *access)
{
    access->is_behind =
        access->decides && access->role == ACCESS_PLAIN && !access->is_write && insn_is_plain_move(insn, access->size);
    access->keeps_address = access->is_behind && overwrites_its_address(insn);
}

void decisions_mark(struct function *function)
{
    for (size_t i = 0; i < function->insn_count; i++) {
        struct insn *insn = &function->insns[i];
        struct access *access = &insn->access[0];
        if (insn->role != ROLE_PLAIN || insn->access_count != 1)
            continue;
        if (access->is_guess && !access->is_write)
            access->decides = decides(function, i);
        decisions_put_behind(insn, access);
    }
}
