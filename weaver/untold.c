/* untold.c: instructions that change memory in place and tell their thread nothing of what was there: a counter's increment.
 *
 * Model:  the result goes to memory alone, or to a register that is dead then, the flags are dead after it, and, of a plain one, the
 *         function reads the same place nowhere else; an atomic load would say for itself what it acquires.
 * For:    --races=hybrid, where what one critical section learns from another makes an order; and atomic changes, which acquire nothing
 *         when nobody looks at what they found.
 */
#include "weaver/passes.h"

/* Returns: whether it puts something into a register that is one of `live`. */
static bool writes_a_register(const struct insn *insn, register_set live)
{
    for (size_t i = 0; i < insn->decoded.operand_count; i++) {
        const ZydisDecodedOperand *operand = &insn->operands[i];
        if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER && operand->visibility != ZYDIS_OPERAND_VISIBILITY_HIDDEN &&
            (operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0 && (register_bit(operand->reg.value) & live) != 0)
            return true;
    }
    return false;
}

/* It says by its flags whether it was done, and by RAX what was there, which is no visible operand. */
static bool is_exchange_by_comparison(const struct insn *insn)
{
    ZydisMnemonic mnemonic = insn->decoded.mnemonic;
    return mnemonic == ZYDIS_MNEMONIC_CMPXCHG || mnemonic == ZYDIS_MNEMONIC_CMPXCHG8B ||
           mnemonic == ZYDIS_MNEMONIC_CMPXCHG16B;
}

static bool tests_flags(const struct insn *insn)
{
    return insn->decoded.cpu_flags != NULL && insn->decoded.cpu_flags->tested != 0;
}

/* A jump that leaves the function is a call in its last place, where flags are dead; liveness is more careful. */
static bool flags_are_read(const struct function *function, size_t index)
{
    for (size_t i = index + 1; i < function->insn_count; i++) {
        const struct insn *insn = &function->insns[i];
        if ((insn->live & REGISTER_FLAGS) == 0)
            return false;
        if (insn->role == ROLE_JUMP && insn->target_index == FUNCTION_NONE)
            return false;
        if (tests_flags(insn) || insn->role != ROLE_PLAIN)
            return true;
    }
    return true;
}

static int64_t displacement(const struct insn *insn, const ZydisDecodedOperand *operand)
{
    bool is_relative = operand->mem.base == ZYDIS_REGISTER_RIP;
    return operand->mem.disp.value + (is_relative ? (int64_t)(insn->address + insn->length) : 0);
}

static bool is_same_place(const struct insn *a, const ZydisDecodedOperand *p, const struct insn *b,
                          const ZydisDecodedOperand *q)
{
    return p->mem.base == q->mem.base && p->mem.index == q->mem.index && p->mem.scale == q->mem.scale &&
           displacement(a, p) == displacement(b, q);
}

/* Returns: true when another instruction of the function reads there. */
static bool is_read_elsewhere(const struct function *function, const struct insn *insn,
                              const ZydisDecodedOperand *place)
{
    for (size_t i = 0; i < function->insn_count; i++) {
        const struct insn *other = &function->insns[i];
        for (size_t k = 0; other != insn && k < other->access_count; k++) {
            const struct access *access = &other->access[k];
            bool reads = !access->is_write || access->read_modify;
            if (reads && access->operand >= 0 && is_same_place(insn, place, other, &other->operands[access->operand]))
                return true;
        }
    }
    return false;
}

/* Returns: the registers that are live behind the instruction. */
static register_set live_behind(const struct function *function, size_t index)
{
    const struct insn *insn = &function->insns[index];
    bool goes_on = index + 1 < function->insn_count && insn[1].address == insn->address + insn->length;
    return goes_on ? insn[1].live : ~(register_set)0;
}

static bool is_atomic_untold(const struct function *function, size_t index)
{
    const struct insn *insn = &function->insns[index];
    return insn->role == ROLE_PLAIN && !is_exchange_by_comparison(insn) &&
           !writes_a_register(insn, live_behind(function, index)) && !flags_are_read(function, index);
}

static bool is_plain_untold(const struct function *function, size_t index)
{
    const struct insn *insn = &function->insns[index];
    const struct access *access = &insn->access[0];
    return access->read_modify && !writes_a_register(insn, ~(register_set)0) && !flags_are_read(function, index) &&
           !is_read_elsewhere(function, insn, &insn->operands[access->operand]);
}

void untold_find(struct function *function)
{
    for (size_t i = 0; i < function->insn_count; i++) {
        struct insn *insn = &function->insns[i];
        struct access *access = &insn->access[0];
        if (insn->access_count != 1 || access->operand < 0)
            continue;
        if (access->role == ACCESS_ATOMIC)
            access->untold = is_atomic_untold(function, i);
        else if (access->role == ACCESS_PLAIN)
            access->untold = is_plain_untold(function, i);
    }
}
