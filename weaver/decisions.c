/* decisions.c: loads whose value decides where the code goes, or what it reads: what a flag that hands data over, or a pointer
 * that publishes them, is loaded for; and a counter is not.
 *
 *   mov flag(%rip), %eax;  test %eax, %eax;  jz ...        mov head(%rip), %rax;  mov 8(%rax), %rdx
 *
 * Check:  what is behind such a load in time has its check behind it in place: it meets all that came before the store that the
 *         load saw, however long the thread was stopped between the two.  Where the load overwrites what its address is made
 *         of, the address is kept in a spill slot.
 * Model:  the value is followed through moves, one place at a time that it is put down at (on the frame, or by a pointer that
 *         stays in its register), arithmetic and branches, up to a comparison, a condition on what was computed with it, an
 *         address, a return, an argument of a call, a part of a vector, or, as large as a pointer, a place in memory, from where others
 *         may take it.
 * Source: Jannesari & Tichy 2010, beyond its loops.
 */
#include "weaver/passes.h"

enum { INSNS_MOST = 64, PIECES_MOST = 24 };

enum fate { FATE_FOLLOWED, FATE_DECIDES, FATE_LOST };

static bool reads_register(const ZydisDecodedOperand *operand, register_set value)
{
    return operand->type == ZYDIS_OPERAND_TYPE_REGISTER && (operand->actions & ZYDIS_OPERAND_ACTION_MASK_READ) &&
           (register_bit(operand->reg.value) & value);
}

static bool reads(const struct insn *insn, register_set value)
{
    for (size_t i = 0; i < insn->decoded.operand_count_visible; i++)
        if (reads_register(&insn->operands[i], value))
            return true;
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

/* Where the value is: in registers, and where code has put it down: on its frame when it was not optimised, or in a copy that a
 * caller is given. */
struct whereabouts {
    register_set value; /* with REGISTER_FLAGS: the flags are of something that was computed with it */
    ZydisRegister base; /* of that place; none: ZYDIS_REGISTER_NONE */
    int64_t displacement;
};

static bool is_place(const ZydisDecodedOperand *operand)
{
    return operand->type == ZYDIS_OPERAND_TYPE_MEMORY && operand->mem.index == ZYDIS_REGISTER_NONE &&
           register_bit(operand->mem.base) != 0;
}

static bool is_on_frame(const ZydisDecodedOperand *operand)
{
    return is_place(operand) && (operand->mem.base == ZYDIS_REGISTER_RBP || operand->mem.base == ZYDIS_REGISTER_RSP);
}

static bool is_put_down_at(const struct whereabouts *at, const ZydisDecodedOperand *operand)
{
    return is_place(operand) && operand->mem.base == at->base && operand->mem.disp.value == at->displacement;
}

/* What led to the place may hold something else from now on, but for RSP, of which what is pushed is popped. */
static void lose_place(struct whereabouts *at, register_set changed)
{
    if (at->base != ZYDIS_REGISTER_RSP && register_bit(at->base) & changed)
        at->base = ZYDIS_REGISTER_NONE;
}

/* Returns: whether what may be a pointer is stored for whoever comes there, or copied from where it was put down with what lies
 * beside it. */
static bool is_kept_in_memory(const struct insn *insn, const struct whereabouts *at)
{
    const ZydisDecodedOperand *to = &insn->operands[0], *from = &insn->operands[1];
    if (insn->decoded.mnemonic == ZYDIS_MNEMONIC_MOV && to->type == ZYDIS_OPERAND_TYPE_MEMORY && to->size == 64)
        return !is_on_frame(to) && reads_register(from, at->value);
    int64_t offset = at->displacement - from->mem.disp.value;
    return insn->decoded.operand_count_visible == 2 && from->size > 64 && is_place(from) &&
           from->mem.base == at->base && offset >= 0 && offset < from->size / 8;
}

/* Returns: whether the value becomes a part of a vector, to be looked at with its neighbours.  What may be loaded together is loaded into
 * a vector at once: only what is loaded by itself, as an atomic, comes there through a general-purpose register. */
static bool is_put_into_vector(const struct insn *insn, register_set value)
{
    switch (insn->decoded.mnemonic) {
    case ZYDIS_MNEMONIC_MOVD:
    case ZYDIS_MNEMONIC_MOVQ:
    case ZYDIS_MNEMONIC_PINSRB:
    case ZYDIS_MNEMONIC_PINSRW:
    case ZYDIS_MNEMONIC_PINSRD:
    case ZYDIS_MNEMONIC_PINSRQ:
    case ZYDIS_MNEMONIC_VMOVD:
    case ZYDIS_MNEMONIC_VMOVQ:
    case ZYDIS_MNEMONIC_VPINSRB:
    case ZYDIS_MNEMONIC_VPINSRW:
    case ZYDIS_MNEMONIC_VPINSRD:
    case ZYDIS_MNEMONIC_VPINSRQ:
        return reads(insn, value);
    default:
        return false;
    }
}

/* Returns: whether it moves the value on. */
static bool moves_value(const struct insn *insn, struct whereabouts *at)
{
    const ZydisDecodedOperand *to = &insn->operands[0], *from = &insn->operands[1];
    if (!reads_register(from, at->value) && !is_put_down_at(at, from))
        return false;
    at->value |= insn_changes(insn);
    if (is_place(to)) {
        at->base = to->mem.base;
        at->displacement = to->mem.disp.value;
    }
    return true;
}

static bool is_computation(ZydisMnemonic mnemonic)
{
    switch (mnemonic) {
    case ZYDIS_MNEMONIC_ADD:
    case ZYDIS_MNEMONIC_SUB:
    case ZYDIS_MNEMONIC_AND:
    case ZYDIS_MNEMONIC_OR:
    case ZYDIS_MNEMONIC_XOR:
    case ZYDIS_MNEMONIC_SHL:
    case ZYDIS_MNEMONIC_SHR:
    case ZYDIS_MNEMONIC_SAR:
    case ZYDIS_MNEMONIC_INC:
    case ZYDIS_MNEMONIC_DEC:
    case ZYDIS_MNEMONIC_NEG:
    case ZYDIS_MNEMONIC_NOT:
    case ZYDIS_MNEMONIC_LEA:
        return true;
    default:
        return false;
    }
}

static bool leads_to_address(const struct insn *insn, register_set value)
{
    const ZydisDecodedOperand *from = &insn->operands[1];
    return insn->decoded.mnemonic == ZYDIS_MNEMONIC_LEA &&
           ((register_bit(from->mem.base) | register_bit(from->mem.index)) & value);
}

/* Returns: whether something is computed with the value, which then is in that. */
static bool computes(const struct insn *insn, struct whereabouts *at)
{
    if (!is_computation(insn->decoded.mnemonic) || insn_clears(insn) ||
        !(reads(insn, at->value) || is_put_down_at(at, &insn->operands[0]) || is_put_down_at(at, &insn->operands[1]) ||
          leads_to_address(insn, at->value)))
        return false;
    at->value |= insn_changes(insn);
    if (insn->decoded.mnemonic != ZYDIS_MNEMONIC_LEA && insn->decoded.mnemonic != ZYDIS_MNEMONIC_NOT)
        at->value |= REGISTER_FLAGS;
    return true;
}

static bool tests_flags(const struct insn *insn)
{
    return insn->decoded.cpu_flags != NULL && insn->decoded.cpu_flags->tested != 0;
}

static bool changes_flags(const struct insn *insn)
{
    return insn->decoded.cpu_flags != NULL && insn->decoded.cpu_flags->modified != 0;
}

static enum fate still(const struct whereabouts *at)
{
    return at->value & REGISTER_GPRS || at->base != ZYDIS_REGISTER_NONE ? FATE_FOLLOWED : FATE_LOST;
}

/* What becomes of the value in an instruction that is no jump. */
static enum fate follow(const struct insn *insn, struct whereabouts *at)
{
    if (leads_to_memory(insn, at->value) || is_kept_in_memory(insn, at) || is_put_into_vector(insn, at->value) ||
        (at->value & REGISTER_FLAGS && tests_flags(insn)))
        return FATE_DECIDES;
    if (insn->role == ROLE_RETURN)
        return at->value & CALL_RETURNS ? FATE_DECIDES : FATE_LOST;
    if (insn->role == ROLE_CALL) {
        if (at->value & CALL_ARGUMENTS)
            return FATE_DECIDES;
        at->value &= CALL_KEEPS;
        lose_place(at, ~(register_set)CALL_KEEPS);
        return still(at);
    }
    if (insn->decoded.mnemonic == ZYDIS_MNEMONIC_CMP || insn->decoded.mnemonic == ZYDIS_MNEMONIC_TEST ||
        insn->decoded.mnemonic == ZYDIS_MNEMONIC_BT) {
        if (reads(insn, at->value) || is_put_down_at(at, &insn->operands[0]) || is_put_down_at(at, &insn->operands[1]))
            return FATE_DECIDES;
        at->value &= ~REGISTER_FLAGS;
        return FATE_FOLLOWED;
    }
    if (computes(insn, at))
        return FATE_FOLLOWED;
    if (insn->decoded.meta.category == ZYDIS_CATEGORY_CMOV) {
        at->value |= reads_register(&insn->operands[1], at->value) ? insn_changes(insn) : 0;
        return FATE_FOLLOWED; /* what it is moved to may keep what it held */
    }
    switch (insn->decoded.mnemonic) {
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
    at->value &= ~(insn_changes(insn) | (changes_flags(insn) ? REGISTER_FLAGS : 0));
    return still(at);
}

/* Pieces of straight code and what is known of the value as each begins, in the order in which they are looked at: the nearest first,
 * so that a loop in which the value is not looked at does not use up what is left for the code behind it. */
struct pieces {
    struct piece {
        size_t first;
        struct whereabouts at;
    } piece[PIECES_MOST];
    size_t count;
};

static bool is_same_value(const struct whereabouts *a, const struct whereabouts *b)
{
    return a->value == b->value && a->base == b->base &&
           (a->base == ZYDIS_REGISTER_NONE || a->displacement == b->displacement);
}

static void add_piece(struct pieces *pieces, size_t first, const struct whereabouts *at)
{
    for (size_t i = 0; i < pieces->count; i++)
        if (pieces->piece[i].first == first && is_same_value(&pieces->piece[i].at, at))
            return;
    if (pieces->count < PIECES_MOST)
        pieces->piece[pieces->count++] = (struct piece){first, *at};
}

static bool ends_piece(const struct function *function, size_t i)
{
    const struct insn *insn = &function->insns[i];
    bool is_last = i + 1 == function->insn_count || function->insns[i + 1].is_block_start;
    return is_last || insn->role == ROLE_BRANCH || !insn_falls_through(insn);
}

static void add_ways_on(const struct function *function, struct pieces *pieces, size_t i, const struct whereabouts *at)
{
    const struct insn *insn = &function->insns[i];
    bool jumps = insn->role == ROLE_BRANCH || insn->role == ROLE_JUMP;
    if (insn_falls_through(insn) && i + 1 < function->insn_count)
        add_piece(pieces, i + 1, at);
    if (jumps && insn->target_index != UINT32_MAX)
        add_piece(pieces, insn->target_index, at);
}

/* Follows the value through one piece; its ways on are added.  *left counts the instructions looked at.
 * Returns: true when it decides something there. */
static bool decides_in(const struct function *function, struct pieces *pieces, size_t number, unsigned *left)
{
    struct whereabouts at = pieces->piece[number].at;
    for (size_t i = pieces->piece[number].first; *left > 0; i++) {
        const struct insn *insn = &function->insns[i];
        enum fate fate = follow(insn, &at);
        lose_place(&at, insn_changes(insn));
        (*left)--;
        if (fate != FATE_FOLLOWED)
            return fate == FATE_DECIDES;
        if (ends_piece(function, i)) {
            add_ways_on(function, pieces, i, &at);
            return false;
        }
    }
    return false;
}

static bool decides(const struct function *function, size_t load)
{
    const struct insn *insn = &function->insns[load];
    if (compares(insn))
        return true;
    struct whereabouts at = {insn_changes(insn) | (changes_flags(insn) ? REGISTER_FLAGS : 0), ZYDIS_REGISTER_NONE, 0};
    struct pieces pieces = {.count = 0};
    unsigned left = INSNS_MOST;
    if (at.value != 0 && load + 1 < function->insn_count)
        add_piece(&pieces, load + 1, &at);
    for (size_t i = 0; i < pieces.count && left > 0; i++)
        if (decides_in(function, &pieces, i, &left))
            return true;
    return false;
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
        access->looks = access->looks && decides(function, i);
        decisions_put_behind(insn, access);
    }
}
