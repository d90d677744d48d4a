/* liveness.c: which registers, and whether the flags, may still be read with the value they have.
 *
 *   live before = (live after & ~written as a whole) | read;  backwards over the function until nothing changes
 *
 * Model:  at calls, returns and jumps that leave the function every register is live (gcc's interprocedural allocation
 *         keeps values in any); flags are dead at calls and returns.  What ends liveness is certain: a whole register
 *         (writing 32 bits clears the rest), all six flags, unconditionally.
 */
#include <stdlib.h>

#include "weaver/passes.h"

enum {
    ARITHMETIC_FLAGS =
        ZYDIS_CPUFLAG_CF | ZYDIS_CPUFLAG_PF | ZYDIS_CPUFLAG_AF | ZYDIS_CPUFLAG_ZF | ZYDIS_CPUFLAG_SF | ZYDIS_CPUFLAG_OF,
    PASSES_MOST = 200,
    SOON = 8, /* instructions, ... */
    SOON_MOST = 40,
    LATER = 4 /* registers */
};

/* A shift by 0 leaves the flags alone; a repeated comparison of nothing does too. */
static bool may_keep_flags(const struct insn *insn)
{
    switch (insn->decoded.meta.category) {
    case ZYDIS_CATEGORY_SHIFT:
    case ZYDIS_CATEGORY_ROTATE:
        break;
    case ZYDIS_CATEGORY_STRINGOP:
        return true;
    default:
        return insn->decoded.mnemonic == ZYDIS_MNEMONIC_BSF || insn->decoded.mnemonic == ZYDIS_MNEMONIC_BSR;
    }
    for (size_t i = 1; i < insn->decoded.operand_count_visible; i++) {
        const ZydisDecodedOperand *operand = &insn->operands[i];
        if (operand->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
            return (operand->imm.value.u & 31) == 0;
    }
    return true;
}

static void flags_effect(const struct insn *insn, struct insn_effect *effect)
{
    const ZydisAccessedFlags *flags = insn->decoded.cpu_flags;
    if (!flags)
        return;
    if (flags->tested & ARITHMETIC_FLAGS)
        effect->reads |= REGISTER_FLAGS;
    uint32_t written = flags->modified | flags->set_0 | flags->set_1 | flags->undefined;
    if ((written & ARITHMETIC_FLAGS) == ARITHMETIC_FLAGS && !may_keep_flags(insn))
        effect->kills |= REGISTER_FLAGS;
}

static void operand_effect(const struct insn *insn, const ZydisDecodedOperand *operand, struct insn_effect *effect)
{
    if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY) {
        effect->reads |= register_bit(operand->mem.base) | register_bit(operand->mem.index);
    } else if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER) {
        register_set bit = register_bit(operand->reg.value);
        if (operand->actions & ZYDIS_OPERAND_ACTION_MASK_READ)
            effect->reads |= bit;
        bool is_certain = (operand->actions & ZYDIS_OPERAND_ACTION_WRITE) != 0 &&
                          (operand->actions & ZYDIS_OPERAND_ACTION_CONDWRITE) == 0 &&
                          insn->decoded.mnemonic != ZYDIS_MNEMONIC_BSF && insn->decoded.mnemonic != ZYDIS_MNEMONIC_BSR;
        if (is_certain && register_is_whole(operand->reg.value))
            effect->kills |= bit;
    }
}

static bool is_of_the_system(const struct insn *insn)
{
    switch (insn->decoded.meta.category) {
    case ZYDIS_CATEGORY_SYSCALL:
    case ZYDIS_CATEGORY_SYSRET:
    case ZYDIS_CATEGORY_SYSTEM:
    case ZYDIS_CATEGORY_INTERRUPT:
        return true;
    default:
        return false;
    }
}

struct insn_effect insn_effect(const struct insn *insn)
{
    struct insn_effect effect = {0};
    for (size_t i = 0; i < insn->decoded.operand_count; i++)
        operand_effect(insn, &insn->operands[i], &effect);
    flags_effect(insn, &effect);
    switch (insn->decoded.mnemonic) {
    case ZYDIS_MNEMONIC_PUSHF:
    case ZYDIS_MNEMONIC_PUSHFD:
    case ZYDIS_MNEMONIC_PUSHFQ:
    case ZYDIS_MNEMONIC_LAHF:
        effect.reads |= REGISTER_FLAGS;
        break;
    default:
        break;
    }
    if (insn_clears(insn) && register_is_whole(insn->operands[0].reg.value))
        effect.reads = 0;
    if (is_of_the_system(insn)) /* which registers count is the kernel's affair */
        effect = (struct insn_effect){REGISTER_GPRS, 0};
    if (insn->access_count == 1 && insn->access[0].role == ACCESS_REQUEST)
        effect.reads |= register_bit(ZYDIS_REGISTER_RAX) | register_bit(ZYDIS_REGISTER_RDX);
    effect.reads |= register_bit(ZYDIS_REGISTER_RSP);
    if (insn->cfa == IMAGE_CFA_RBP)
        effect.reads |= register_bit(ZYDIS_REGISTER_RBP); /* whoever unwinds from here reads it */
    return effect;
}

static register_set live_after(const struct function *function, size_t index)
{
    const struct insn *insn = &function->insns[index];
    register_set live = 0;
    switch (insn->role) {
    case ROLE_CALL:
    case ROLE_RETURN:
        return REGISTER_GPRS;
    case ROLE_INDIRECT_JUMP:
    case ROLE_TRAP:
        return REGISTER_ALL;
    case ROLE_JUMP:
    case ROLE_BRANCH:
        live = insn->target_index == FUNCTION_NONE ? REGISTER_ALL : function->insns[insn->target_index].live;
        break;
    default:
        break;
    }
    if (insn_falls_through(insn))
        live |= index + 1 < function->insn_count ? insn[1].live : REGISTER_ALL;
    return live;
}

/* Returns: whether anything changed. */
static bool pass(struct function *function, const struct insn_effect *effects)
{
    bool has_changed = false;
    for (size_t i = function->insn_count; i-- > 0;) {
        struct insn *insn = &function->insns[i];
        register_set live = (live_after(function, i) & ~effects[i].kills) | effects[i].reads;
        if (insn->role == ROLE_CALL || insn->role == ROLE_RETURN)
            live = REGISTER_GPRS;
        if (live != insn->live)
            has_changed = true;
        insn->live = live;
    }
    return has_changed;
}

/* Along the straight way, and back to where a loop begins: what another branch leads to counts as later.  It goes as far as leaves some
 * registers for later. */
static register_set soon_at(const struct function *function, const struct insn_effect *effects, size_t index)
{
    register_set soon = register_bit(ZYDIS_REGISTER_RSP);
    for (size_t i = index, seen = 0; i < function->insn_count && seen < SOON_MOST; seen++) {
        const struct insn *insn = &function->insns[i];
        register_set more = (soon | effects[i].reads | effects[i].kills | insn_changes(insn)) & REGISTER_GPRS;
        if (seen >= SOON && __builtin_popcount(REGISTER_GPRS & ~more) < LATER)
            break;
        soon = more;
        bool is_back = insn->role == ROLE_BRANCH && insn->target_index <= i;
        if (!insn_falls_through(insn))
            break;
        i = is_back ? insn->target_index : i + 1;
    }
    return soon;
}

bool liveness_find(struct function *function)
{
    if (function->refusal || function->insn_count == 0)
        return true; /* every register stays live, and none is needed soon */
    struct insn_effect *effects = malloc(function->insn_count * sizeof *effects);
    if (!effects)
        return false;
    for (size_t i = 0; i < function->insn_count; i++) {
        effects[i] = insn_effect(&function->insns[i]);
        function->insns[i].live = 0;
    }
    bool has_changed = true;
    for (size_t i = 0; i < PASSES_MOST && has_changed; i++)
        has_changed = pass(function, effects);
    for (size_t i = 0; i < function->insn_count && has_changed; i++)
        function->insns[i].live = REGISTER_ALL;
    for (size_t i = 0; i < function->insn_count; i++)
        if (function->insns[i].access_count > 0)
            function->insns[i].soon = soon_at(function, effects, i);
    free(effects);
    return true;
}
