/* wide_loads.c: loads of four bytes that stand for one of one or two.
 *
 *      mov flags(%rip), %eax;  lea (%rax,%rax,2), %eax;  mov %al, flags(%rip)         flags *= 3, of a char
 *
 * Model:  the value is followed over registers of 32 bits, by instructions whose low bits depend on low bits alone, along all ways
 *         that the code goes.  Where nothing but the low byte, or two, is used, the others were never meant: they are no access.
 *         What a function that returns leaves in registers counts as used by nobody; so does, after such a use, what it leaves
 *         in registers that it calls another with: whether that is an argument cannot be seen, and few are used in two widths.
 * For:    LLVM loads whole words where it may leave the upper bytes undefined and the place is aligned: its neighbours may be
 *         another lock's.
 */
#include "weaver/passes.h"

enum { INSNS_AHEAD = 192 /* on all ways together */, WAYS_MOST = 8, ROUNDS_MOST = 12, WIDE = 4 /* units: bytes */ };

enum step { STEP_ON, STEP_END, STEP_WIDE };

struct carried {
    register_set registers; /* that hold something of the value */
    bool flags;             /* they may depend on its upper bytes */
    uint16_t used;          /* units: bytes, the lowest */
};

static unsigned width_of(const ZydisDecodedOperand *operand)
{
    return operand->size / 8;
}

static bool is_carried(const struct carried *carried, const ZydisDecodedOperand *operand)
{
    return operand->type == ZYDIS_OPERAND_TYPE_REGISTER && (register_bit(operand->reg.value) & carried->registers) != 0;
}

static bool addresses(const struct carried *carried, const ZydisDecodedOperand *operand)
{
    return operand->type == ZYDIS_OPERAND_TYPE_MEMORY &&
           ((register_bit(operand->mem.base) | register_bit(operand->mem.index)) & carried->registers) != 0;
}

static void use(struct carried *carried, unsigned width)
{
    carried->used = width > carried->used ? (uint16_t)width : carried->used;
}

/* The register of the operand gets something of the value, or something else. */
static void set(struct carried *carried, const ZydisDecodedOperand *operand, bool holds)
{
    register_set bit = register_bit(operand->reg.value);
    carried->registers = holds ? carried->registers | bit : carried->registers & ~bit;
}

static enum step follow_move(struct carried *carried, const ZydisDecodedOperand *to, const ZydisDecodedOperand *from)
{
    bool takes = is_carried(carried, from);
    if (takes && width_of(from) < WIDE)
        use(carried, width_of(from));
    else if (takes && (width_of(from) > WIDE || to->type != ZYDIS_OPERAND_TYPE_REGISTER))
        return STEP_WIDE;
    if (to->type == ZYDIS_OPERAND_TYPE_REGISTER && register_is_whole(to->reg.value))
        set(carried, to, takes && width_of(from) == WIDE);
    return STEP_ON;
}

/* Returns: how many low bytes of the first operand an AND with a constant leaves; 0: it is none, or leaves all. */
static unsigned masked_to(const struct insn *insn)
{
    const ZydisDecodedOperand *mask = &insn->operands[1];
    if (insn->decoded.mnemonic != ZYDIS_MNEMONIC_AND || mask->type != ZYDIS_OPERAND_TYPE_IMMEDIATE)
        return 0;
    return mask->imm.value.u <= UINT8_MAX ? 1 : mask->imm.value.u <= UINT16_MAX ? 2 : 0;
}

/* An operation whose low bits depend on low bits alone. */
static enum step follow_operation(struct carried *carried, const struct insn *insn)
{
    const ZydisDecodedOperand *to = &insn->operands[0];
    unsigned width = width_of(to);
    if (width < WIDE) {
        use(carried, width);
        carried->flags = false;
        return STEP_ON;
    }
    if (width > WIDE || to->type != ZYDIS_OPERAND_TYPE_REGISTER)
        return STEP_WIDE;
    if (masked_to(insn) != 0)
        use(carried, masked_to(insn));
    carried->flags = masked_to(insn) == 0 && !insn_clears(insn);
    set(carried, to, carried->flags);
    return STEP_ON;
}

static enum step follow_test(struct carried *carried, const struct insn *insn)
{
    unsigned width = width_of(&insn->operands[0]);
    carried->flags = false;
    use(carried, width);
    return width < WIDE ? STEP_ON : STEP_WIDE;
}

static enum step follow_named(struct carried *carried, const struct insn *insn)
{
    const ZydisDecodedOperand *to = &insn->operands[0], *from = &insn->operands[1];
    bool is_address = insn->decoded.mnemonic == ZYDIS_MNEMONIC_LEA || insn->decoded.mnemonic == ZYDIS_MNEMONIC_NOP;
    for (size_t i = 0; i < insn->decoded.operand_count && !is_address; i++)
        if (addresses(carried, &insn->operands[i]))
            return STEP_WIDE;
    switch (insn->decoded.mnemonic) {
    case ZYDIS_MNEMONIC_NOP:
        return STEP_ON;
    case ZYDIS_MNEMONIC_MOV:
    case ZYDIS_MNEMONIC_MOVZX:
    case ZYDIS_MNEMONIC_MOVSX:
        return follow_move(carried, to, from);
    case ZYDIS_MNEMONIC_LEA:
        set(carried, to, addresses(carried, from));
        return width_of(to) == WIDE || !addresses(carried, from) ? STEP_ON : STEP_WIDE;
    case ZYDIS_MNEMONIC_SHL:
        return from->type == ZYDIS_OPERAND_TYPE_IMMEDIATE ? follow_operation(carried, insn) : STEP_WIDE;
    case ZYDIS_MNEMONIC_IMUL:
        return insn->decoded.operand_count_visible > 1 ? follow_operation(carried, insn) : STEP_WIDE;
    case ZYDIS_MNEMONIC_ADD:
    case ZYDIS_MNEMONIC_SUB:
    case ZYDIS_MNEMONIC_AND:
    case ZYDIS_MNEMONIC_OR:
    case ZYDIS_MNEMONIC_XOR:
    case ZYDIS_MNEMONIC_NEG:
    case ZYDIS_MNEMONIC_NOT:
    case ZYDIS_MNEMONIC_INC:
    case ZYDIS_MNEMONIC_DEC:
        return follow_operation(carried, insn);
    case ZYDIS_MNEMONIC_TEST:
    case ZYDIS_MNEMONIC_CMP:
        return follow_test(carried, insn);
    default:
        return STEP_WIDE;
    }
}

static enum step follow_call(struct carried *carried, const struct insn *insn)
{
    if (carried->used == 0 || (insn_names(insn) & carried->registers) != 0)
        return STEP_WIDE;
    carried->registers &= CALL_KEEPS;
    carried->flags = false;
    return STEP_ON;
}

static enum step follow(struct carried *carried, const struct insn *insn)
{
    const ZydisAccessedFlags *flags = insn->decoded.cpu_flags;
    if (carried->flags && flags != NULL && flags->tested != 0)
        return STEP_WIDE;
    switch (insn->role) {
    case ROLE_RETURN:
        return STEP_END;
    case ROLE_CALL:
        return follow_call(carried, insn);
    case ROLE_JUMP:
        return insn->target_index != FUNCTION_NONE ? STEP_ON : carried->used == 0 ? STEP_WIDE : STEP_END;
    case ROLE_BRANCH:
        return (insn_names(insn) & carried->registers) != 0 ? STEP_WIDE : STEP_ON;
    case ROLE_INDIRECT_JUMP:
    case ROLE_TRAP:
        return STEP_WIDE;
    case ROLE_PLAIN:
        break;
    }
    if ((insn_names(insn) & carried->registers) != 0)
        return follow_named(carried, insn);
    carried->flags &= flags == NULL || flags->modified == 0;
    return STEP_ON;
}

/* Where the value goes on from. */
struct way {
    size_t at;
    struct carried carried;
};

/* The ways that are still to be followed, and where they came back to. */
struct ways {
    struct way way[WAYS_MOST], back[ROUNDS_MOST];
    size_t count, backs, insns; /* of these: that were followed */
};

/* Returns: true when it comes back to where nothing is new; *is_room is false when there is none to say so later. */
static bool is_round(struct ways *ways, const struct way *way, bool *is_room)
{
    for (size_t i = 0; i < ways->backs; i++) {
        const struct way *before = &ways->back[i];
        if (before->at == way->at && before->carried.registers == way->carried.registers &&
            before->carried.flags == way->carried.flags && before->carried.used == way->carried.used)
            return true;
    }
    *is_room = ways->backs < ROUNDS_MOST;
    if (*is_room)
        ways->back[ways->backs++] = *way;
    return false;
}

/* Returns: false when it leaves the function, or there is no room for another way. */
static bool go_on(struct ways *ways, const struct insn *insn, struct way *way)
{
    bool jumps = insn->role == ROLE_JUMP || insn->role == ROLE_BRANCH;
    way->at++;
    if (!jumps)
        return true;
    if (insn->target_index == FUNCTION_NONE || ways->count == WAYS_MOST)
        return false;
    if (insn->role == ROLE_BRANCH)
        ways->way[ways->count++] = *way;
    way->at = insn->target_index;
    return true;
}

/* Returns: how many bytes are used on that way, as far as there is no other. */
static uint16_t used_on(const struct function *function, struct ways *ways, struct way way)
{
    enum step step = STEP_ON;
    while (step == STEP_ON && way.carried.registers != 0) {
        if (way.at >= function->insn_count || ways->insns == INSNS_AHEAD)
            return WIDE;
        way.carried.registers &= function->insns[way.at].live;
        if (way.carried.registers == 0)
            break;
        ways->insns++;
        size_t from = way.at;
        const struct insn *insn = &function->insns[from];
        bool is_room = true;
        step = follow(&way.carried, insn);
        if (step == STEP_WIDE || (step == STEP_ON && !go_on(ways, insn, &way)))
            return WIDE;
        if (step == STEP_ON && way.at <= from && is_round(ways, &way, &is_room))
            step = STEP_END;
        if (!is_room)
            return WIDE;
    }
    return way.carried.used;
}

/* Returns: how many bytes of what the instruction loads are used, where that is known; else all of them. */
static uint16_t bytes_used(const struct function *function, size_t load)
{
    struct ways ways = {.count = 1};
    uint16_t used = 0;
    ways.way[0] = (struct way){load + 1, {.registers = register_bit(function->insns[load].operands[0].reg.value)}};
    while (ways.count > 0 && used < WIDE) {
        uint16_t here = used_on(function, &ways, ways.way[--ways.count]);
        used = here > used ? here : used;
    }
    return used == 0 ? WIDE : used;
}

void wide_loads_narrow(struct function *function)
{
    for (size_t i = 0; i < function->insn_count; i++) {
        struct insn *insn = &function->insns[i];
        struct access *access = &insn->access[0];
        if (insn->decoded.mnemonic == ZYDIS_MNEMONIC_MOV && insn->role == ROLE_PLAIN && insn->access_count == 1 &&
            access->role == ACCESS_PLAIN && access->operand == 1 && access->size == WIDE &&
            insn->operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER && register_bit(insn->operands[0].reg.value) != 0 &&
            insn->operands[1].mem.segment != ZYDIS_REGISTER_FS)
            access->size = bytes_used(function, i);
    }
}
