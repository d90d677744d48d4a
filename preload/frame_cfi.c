#include "preload/frame_cfi.h"

#include "weaver/cfi_opcodes.h"

enum { REMEMBERED_MOST = 8 };

/* What the instructions have set so far. */
struct row {
    uint64_t reg;
    int64_t cfa, rbp;      /* rbp 0: not saved */
    bool is_kept;          /* the CFA stands at that distance from the register */
    bool is_rbp_at_itself; /* the caller's RBP stands where RBP points to */
    bool is_other, is_outermost;
};

struct machine {
    const struct frame_description *description;
    struct row row, initial, remembered[REMEMBERED_MOST];
    size_t depth;
    uintptr_t address; /* the row holds from here on */
};

static void save(struct machine *machine, uint64_t reg, int64_t factored)
{
    int64_t offset = factored * machine->description->data_factor;
    if (reg == DWARF_RBP) {
        machine->row.rbp = offset;
        machine->row.is_rbp_at_itself = false;
    } else if (reg == DWARF_RIP)
        machine->row.is_other |= offset != -(int64_t)sizeof(uintptr_t);
}

static void save_otherwise(struct machine *machine, uint64_t reg)
{
    machine->row.is_other |= reg == DWARF_RBP || reg == DWARF_RIP || reg == DWARF_RSP;
}

static void save_not(struct machine *machine, uint64_t reg)
{
    if (reg == DWARF_RBP) {
        machine->row.rbp = 0;
        machine->row.is_rbp_at_itself = false;
    } else if (reg == DWARF_RIP)
        machine->row.is_outermost = true;
}

static void restore(struct machine *machine, uint64_t reg)
{
    if (reg == DWARF_RBP) {
        machine->row.rbp = machine->initial.rbp;
        machine->row.is_rbp_at_itself = false;
    }
}

static void remember(struct machine *machine, struct bytes *program)
{
    if (machine->depth == REMEMBERED_MOST)
        program->bad = true;
    else
        machine->remembered[machine->depth++] = machine->row;
}

static void recall(struct machine *machine, struct bytes *program)
{
    if (machine->depth == 0)
        program->bad = true;
    else
        machine->row = machine->remembered[--machine->depth];
}

/* Returns: the block that follows, which is left. */
static struct bytes take_block(struct bytes *program)
{
    uint64_t size = bytes_uleb(program);
    struct bytes block = *program;
    bytes_skip(program, size);
    block.end = program->at;
    block.bad = program->bad;
    return block;
}

/* An expression that begins with RBP and a distance.  Returns: false when it does not. */
static bool is_from_rbp(struct bytes *expression, int64_t *distance)
{
    if (expression->bad || bytes_unsigned(expression, 1) != OP_BREG_RBP)
        return false;
    *distance = bytes_sleb(expression);
    return !expression->bad;
}

static void keep_cfa(struct row *row, struct bytes *program)
{
    struct bytes expression = take_block(program);
    row->is_kept = is_from_rbp(&expression, &row->cfa) && bytes_unsigned(&expression, 1) == OP_DEREF &&
                   !expression.bad && expression.at == expression.end;
    row->reg = row->is_kept ? DWARF_RBP : UINT64_MAX;
}

static void save_by_expression(struct machine *machine, struct bytes *program, uint64_t reg)
{
    struct bytes expression = take_block(program);
    int64_t distance = 0;
    if (reg == DWARF_RBP && is_from_rbp(&expression, &distance) && distance == 0 && expression.at == expression.end)
        machine->row.is_rbp_at_itself = true;
    else
        save_otherwise(machine, reg);
}

/* Returns: false when the instruction does not set the CFA, nor remembers or recalls a row. */
static bool step_cfa(struct machine *machine, struct bytes *program, uint64_t opcode)
{
    struct row *row = &machine->row;
    switch (opcode) {
    case CFA_DEF_CFA:
        row->reg = bytes_uleb(program);
        row->cfa = (int64_t)bytes_uleb(program);
        row->is_kept = false;
        return true;
    case CFA_DEF_CFA_SF:
        row->reg = bytes_uleb(program);
        row->is_kept = false;
        row->cfa = bytes_sleb(program) * machine->description->data_factor;
        return true;
    case CFA_DEF_CFA_REGISTER:
        row->reg = bytes_uleb(program);
        row->is_kept = false;
        return true;
    case CFA_DEF_CFA_OFFSET:
        row->cfa = (int64_t)bytes_uleb(program);
        return true;
    case CFA_DEF_CFA_OFFSET_SF:
        row->cfa = bytes_sleb(program) * machine->description->data_factor;
        return true;
    case CFA_DEF_CFA_EXPRESSION:
        keep_cfa(row, program);
        return true;
    case CFA_REMEMBER:
        remember(machine, program);
        return true;
    case CFA_RESTORE_STATE:
        recall(machine, program);
        return true;
    default:
        return false;
    }
}

static void step_register(struct machine *machine, struct bytes *program, uint64_t opcode)
{
    uint64_t reg = opcode == CFA_NOP ? 0 : bytes_uleb(program);
    switch (opcode) {
    case CFA_NOP:
    case CFA_GNU_ARGS_SIZE:
        break;
    case CFA_OFFSET_EXTENDED:
        save(machine, reg, (int64_t)bytes_uleb(program));
        break;
    case CFA_OFFSET_EXTENDED_SF:
        save(machine, reg, bytes_sleb(program));
        break;
    case CFA_RESTORE_EXTENDED:
        restore(machine, reg);
        break;
    case CFA_UNDEFINED:
    case CFA_SAME_VALUE:
        save_not(machine, reg);
        break;
    case CFA_REGISTER:
    case CFA_VAL_OFFSET:
    case CFA_VAL_OFFSET_SF:
        bytes_uleb(program);
        save_otherwise(machine, reg);
        break;
    case CFA_EXPRESSION:
        save_by_expression(machine, program, reg);
        break;
    case CFA_VAL_EXPRESSION:
        bytes_skip(program, bytes_uleb(program));
        save_otherwise(machine, reg);
        break;
    default:
        program->bad = true;
    }
}

static void step(struct machine *machine, struct bytes *program)
{
    uint64_t opcode = bytes_unsigned(program, 1), low = opcode & 0x3f;
    const uint64_t factor = machine->description->code_factor;
    if (opcode >> 6 == CFA_ADVANCE)
        machine->address += low * factor;
    else if (opcode >> 6 == CFA_OFFSET)
        save(machine, low, (int64_t)bytes_uleb(program));
    else if (opcode >> 6 == CFA_RESTORE)
        restore(machine, low);
    else if (opcode >= CFA_ADVANCE_1 && opcode <= CFA_ADVANCE_4)
        machine->address += factor * bytes_unsigned(program, (size_t)1 << (opcode - CFA_ADVANCE_1));
    else if (!step_cfa(machine, program, opcode))
        step_register(machine, program, opcode);
}

/* Returns: false when the instructions cannot be followed to `pc`. */
static bool run(struct machine *machine, struct bytes program, uintptr_t pc)
{
    struct row row = machine->row;
    while (program.at < program.end && !program.bad && machine->address <= pc) {
        step(machine, &program);
        if (machine->address <= pc)
            row = machine->row;
    }
    machine->row = row;
    return !program.bad;
}

static struct frame_rule rule_of(const struct row *row)
{
    struct frame_rule rule = {.kind = FRAME_OTHER, .cfa = (int32_t)row->cfa, .rbp = (int32_t)row->rbp};
    if (row->is_outermost)
        return (struct frame_rule){.kind = FRAME_OUTERMOST};
    if (row->is_rbp_at_itself != row->is_kept)
        return (struct frame_rule){.kind = FRAME_OTHER};
    bool fits = rule.cfa == row->cfa && rule.rbp == row->rbp && row->cfa % 8 == 0 && row->rbp % 8 == 0;
    if (row->is_other || !fits || (row->reg != DWARF_RSP && row->reg != DWARF_RBP))
        return (struct frame_rule){.kind = FRAME_OTHER};
    rule.kind = row->is_kept ? FRAME_KEPT_AT_RBP : row->reg == DWARF_RSP ? FRAME_FROM_RSP : FRAME_FROM_RBP;
    return rule;
}

struct frame_rule frame_cfi_run(const struct frame_description *description, uintptr_t pc)
{
    static const struct frame_rule other = {.kind = FRAME_OTHER};
    struct machine machine = {.description = description, .address = description->start};
    if (!run(&machine, description->initial, description->start) || machine.address != description->start)
        return other;
    machine.initial = machine.row;
    return run(&machine, description->program, pc) ? rule_of(&machine.row) : other;
}
