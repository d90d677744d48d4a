/* cfi.c: the rule for the canonical frame address before each instruction, from the call frame instructions.
 *
 * What registers are saved where does not matter here; only what moves the rule.  Source: DWARF 5, 6.4.2.
 */
#include "weaver/cfi_opcodes.h"
#include "weaver/passes.h"

enum { RULES_MOST = 32 };

struct rule {
    uint64_t reg;
    int64_t offset;
    bool is_expression;
};

struct machine {
    struct rule rule;
    struct rule remembered[RULES_MOST];
    size_t depth;
    uint64_t address; /* the rule holds from here on */
    const struct fde *fde;
};

static void remember(struct machine *machine, struct bytes *program)
{
    if (machine->depth == RULES_MOST)
        program->bad = true;
    else
        machine->remembered[machine->depth++] = machine->rule;
}

static void restore(struct machine *machine, struct bytes *program)
{
    if (machine->depth == 0)
        program->bad = true;
    else
        machine->rule = machine->remembered[--machine->depth];
}

static void define(struct machine *machine, uint64_t reg, int64_t offset)
{
    machine->rule = (struct rule){reg, offset, false};
}

/* Returns: whether the instruction was one that changes the rule, or marks a place to come back to. */
static bool step_rule(struct machine *machine, struct bytes *program, uint64_t opcode)
{
    const int64_t factor = machine->fde->data_alignment;
    uint64_t reg;
    switch (opcode) {
    case CFA_DEF_CFA:
        reg = bytes_uleb(program);
        define(machine, reg, (int64_t)bytes_uleb(program));
        return true;
    case CFA_DEF_CFA_SF:
        reg = bytes_uleb(program);
        define(machine, reg, bytes_sleb(program) * factor);
        return true;
    case CFA_DEF_CFA_REGISTER:
        define(machine, bytes_uleb(program), machine->rule.offset);
        return true;
    case CFA_DEF_CFA_OFFSET:
        machine->rule.offset = (int64_t)bytes_uleb(program);
        return true;
    case CFA_DEF_CFA_OFFSET_SF:
        machine->rule.offset = bytes_sleb(program) * factor;
        return true;
    case CFA_DEF_CFA_EXPRESSION:
        bytes_skip(program, bytes_uleb(program));
        machine->rule.is_expression = true;
        return true;
    case CFA_REMEMBER:
        remember(machine, program);
        return true;
    case CFA_RESTORE_STATE:
        restore(machine, program);
        return true;
    default:
        return false;
    }
}

/* What says where registers are saved is read over. */
static void step_over(struct bytes *program, uint64_t opcode)
{
    switch (opcode) {
    case CFA_NOP:
        break;
    case CFA_RESTORE_EXTENDED:
    case CFA_UNDEFINED:
    case CFA_SAME_VALUE:
    case CFA_GNU_ARGS_SIZE:
        bytes_uleb(program);
        break;
    case CFA_OFFSET_EXTENDED:
    case CFA_REGISTER:
    case CFA_OFFSET_EXTENDED_SF:
    case CFA_VAL_OFFSET:
    case CFA_VAL_OFFSET_SF:
        bytes_uleb(program);
        bytes_uleb(program);
        break;
    case CFA_EXPRESSION:
    case CFA_VAL_EXPRESSION:
        bytes_uleb(program);
        bytes_skip(program, bytes_uleb(program));
        break;
    default:
        program->bad = true;
    }
}

/* Runs one call frame instruction. */
static void step(struct machine *machine, struct bytes *program)
{
    uint64_t opcode = bytes_unsigned(program, 1), low = opcode & 0x3f;
    const uint64_t factor = machine->fde->code_alignment;
    switch (opcode >> 6) {
    case CFA_ADVANCE:
        machine->address += low * factor;
        return;
    case CFA_OFFSET:
        bytes_uleb(program);
        return;
    case CFA_RESTORE:
        return;
    default:
        break;
    }
    if (opcode >= CFA_ADVANCE_1 && opcode <= CFA_ADVANCE_4)
        machine->address += factor * bytes_unsigned(program, (size_t)1 << (opcode - CFA_ADVANCE_1));
    else if (opcode == CFA_SET_LOC)
        program->bad = true; /* nobody makes it */
    else if (!step_rule(machine, program, opcode))
        step_over(program, opcode);
}

static void write_rule(const struct rule *rule, struct insn *insn)
{
    insn->cfa = IMAGE_CFA_OTHER;
    if (rule->is_expression || rule->offset < INT16_MIN || rule->offset > INT16_MAX)
        return;
    insn->cfa_offset = (int16_t)rule->offset;
    if (rule->reg == DWARF_RSP)
        insn->cfa = IMAGE_CFA_RSP;
    else if (rule->reg == DWARF_RBP)
        insn->cfa = IMAGE_CFA_RBP;
}

void cfi_apply(const struct elf_module *module, struct function *function)
{
    if (function->range.fde == UINT32_MAX)
        return;
    const struct fde *fde = &module->own->fdes[function->range.fde];
    struct machine machine = {.fde = fde, .address = fde->low};
    struct bytes initial = fde->initial, program = fde->program;
    while (initial.at < initial.end && !initial.bad)
        step(&machine, &initial);
    machine.address = fde->low;
    for (size_t i = 0; i < function->insn_count && !initial.bad; i++) {
        struct rule rule = machine.rule;
        while (program.at < program.end && !program.bad && machine.address <= function->insns[i].address) {
            step(&machine, &program);
            if (machine.address <= function->insns[i].address)
                rule = machine.rule;
        }
        if (program.bad)
            return;
        write_rule(&rule, &function->insns[i]);
    }
}
