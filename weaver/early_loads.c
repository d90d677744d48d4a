/* early_loads.c: loads that a compiler makes ahead of a choice, and of which the choice may throw away what they got.
 *
 *      cmp $3, %eax;  mov data(%rip), %ecx;  add $1, %ecx;  cmovne %ebx, %ecx           ready == 3 ? data + 1 : other
 *
 * Model:  the value is followed over registers, by straight code without calls and atomics, to a CMOV that either takes it or overwrites it;
 *         when nothing of it is left that may be read later where it was not wanted, the load is checked there, on that condition.
 *         Its address must still be in its registers, and they in use.
 * For:    what is read for nothing may be what another thread is just writing: "ready" says so.
 */
#include "weaver/passes.h"

enum { INSNS_AHEAD = 16, INSNS_AFTER = 48 };

struct value {
    register_set registers; /* in which it is, or what was made of it */
    register_set address;   /* that of the load */
};

static register_set registers_of(const ZydisDecodedOperand *operand)
{
    return operand->type == ZYDIS_OPERAND_TYPE_MEMORY
               ? register_bit(operand->mem.base) | register_bit(operand->mem.index)
           : operand->type == ZYDIS_OPERAND_TYPE_REGISTER ? register_bit(operand->reg.value)
                                                          : 0;
}

static bool may_be_early(const struct insn *insn)
{
    const struct access *access = insn->access;
    return insn->role == ROLE_PLAIN && !insn->refusal && insn->access_count == 1 && access->role == ACCESS_PLAIN &&
           access->operand > 0 && !access->is_write && !access->is_range && !access->keeps_address &&
           !insn_loads_on_condition(insn) && insn->operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
           register_is_whole(insn->operands[0].reg.value) &&
           insn->operands[access->operand].mem.segment != ZYDIS_REGISTER_FS;
}

bool insn_is_quiet(const struct insn *insn)
{
    for (size_t i = 0; i < insn->access_count; i++)
        if (!access_is_plain(&insn->access[i]) || insn->access[i].is_range)
            return false;
    return insn->role == ROLE_PLAIN && insn->decoded.meta.category != ZYDIS_CATEGORY_SYSCALL;
}

static bool goes_elsewhere(const struct insn *insn, const struct value *value)
{
    for (size_t i = 0; i < insn->decoded.operand_count; i++) {
        const ZydisDecodedOperand *operand = &insn->operands[i];
        bool is_written = (operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0;
        bool is_memory = operand->type == ZYDIS_OPERAND_TYPE_MEMORY && operand->mem.type != ZYDIS_MEMOP_TYPE_AGEN;
        bool is_other_register = operand->type == ZYDIS_OPERAND_TYPE_REGISTER &&
                                 register_bit(operand->reg.value) == 0 &&
                                 operand->visibility != ZYDIS_OPERAND_VISIBILITY_HIDDEN;
        if ((is_memory && (is_written || (registers_of(operand) & value->registers))) ||
            (is_other_register && is_written))
            return true;
    }
    return false;
}

static register_set what_changes(const struct insn *insn)
{
    return insn_changes(insn) | (insn_writes_flags(insn) ? REGISTER_FLAGS : 0);
}

/* Returns: false when the value is used there. */
static bool follow(const struct insn *insn, struct value *value)
{
    struct insn_effect effect = insn_effect(insn);
    if ((effect.reads & value->registers) == 0) {
        value->registers &= ~effect.kills;
        return true;
    }
    if (goes_elsewhere(insn, value))
        return false;
    value->registers |= what_changes(insn);
    return true;
}

/* Returns: whether one of the registers may be read from there on.  Of what a function leaves in them only its value is. */
static bool are_read(const struct function *function, size_t at, register_set registers, unsigned *patience)
{
    while (registers != 0) {
        if (at >= function->insn_count || (*patience)-- == 0)
            return true;
        const struct insn *insn = &function->insns[at];
        bool goes_away = insn->role == ROLE_JUMP || insn->role == ROLE_BRANCH ? insn->target_index == FUNCTION_NONE
                                                                              : insn->role == ROLE_CALL;
        if (insn->role == ROLE_RETURN)
            return (registers & CALL_RETURNS) != 0;
        if (insn->role == ROLE_TRAP || insn->role == ROLE_INDIRECT_JUMP ||
            (goes_away && (registers & (CALL_ARGUMENTS | CALL_KEEPS)) != 0))
            return true;
        if (insn->role == ROLE_CALL || (goes_away && insn->role == ROLE_JUMP))
            return false;
        struct insn_effect effect = insn_effect(insn);
        if ((effect.reads & registers) != 0)
            return true;
        registers &= ~effect.kills;
        if (insn->role == ROLE_BRANCH && !goes_away && are_read(function, insn->target_index, registers, patience))
            return true;
        at = insn->role == ROLE_JUMP ? insn->target_index : at + 1;
    }
    return false;
}

static bool is_choice(const struct insn *insn)
{
    return insn->decoded.meta.category == ZYDIS_CATEGORY_CMOV && register_is_whole(insn->operands[0].reg.value);
}

/* Returns: whether the choice leaves nothing of the value when it does not want it; then *is_taken says when it does. */
static bool decides_on(const struct function *function, size_t choice, const struct value *value, bool *is_taken)
{
    const struct insn *insn = &function->insns[choice];
    register_set to = register_bit(insn->operands[0].reg.value), from = registers_of(&insn->operands[1]);
    bool is_address = insn->operands[1].type == ZYDIS_OPERAND_TYPE_MEMORY && (from & value->registers) != 0;
    unsigned patience = INSNS_AFTER;
    *is_taken = (from & value->registers) != 0;
    bool is_one = ((to & value->registers) != 0) != *is_taken && !is_address && !(value->registers & REGISTER_FLAGS);
    return is_one && !are_read(function, choice + 1, value->registers & ~to, &patience);
}

/* The nearest load leads to the one before. */
void insn_put_early(struct insn *choice, struct insn *load, bool is_taken)
{
    uint8_t distance = (uint8_t)(choice - load), before = choice->early[is_taken];
    load->early[is_taken] = before == 0 ? 0 : (uint8_t)(before - distance);
    choice->early[is_taken] = distance;
    load->access[0].is_early = true;
    load->access[0].is_behind = false; /* it is more so */
}

static void look_at(struct function *function, size_t load)
{
    struct insn *insn = &function->insns[load];
    struct value value = {.registers = what_changes(insn),
                          .address = registers_of(&insn->operands[insn->access[0].operand])};
    if ((value.registers & value.address) != 0)
        return;
    for (size_t i = load + 1; i < function->insn_count && i <= load + INSNS_AHEAD && value.registers != 0; i++) {
        struct insn *next = &function->insns[i];
        bool is_taken;
        if (next->is_join || !insn_is_quiet(next) || (next->live & value.address) != value.address)
            return;
        if (is_choice(next) && decides_on(function, i, &value, &is_taken)) {
            insn_put_early(next, insn, is_taken);
            return;
        }
        if (!follow(next, &value) || (insn_changes(next) & value.address) != 0)
            return;
    }
}

void early_loads_find(struct function *function)
{
    for (size_t i = 0; i < function->insn_count; i++)
        if (may_be_early(&function->insns[i]))
            look_at(function, i);
}
