/* vector_constants.c: what vector registers are known to hold: constants that compilers make ahead of a loop.
 *
 *      movdqa mask(%rip), %xmm6;  loop:  ...  pand %xmm6, %xmm0;  ...  jne loop
 *      mov $255, %eax;  vmovd %eax, %xmm6;  vpbroadcastw %xmm6, %ymm6         pcmpeqd %xmm6, %xmm6;  psrlw $8, %xmm6
 *
 * Model:  every way to the use comes from an instruction that makes the register of what is known in the same way, with no call behind
 *         it, and all of them make it the same: compilers load a constant anew behind each call. */
#include "weaver/vector_bytes.h"
#include "weaver/vector_shapes.h"

#include <string.h>

enum { INSNS_BACK = 4096, STEPS_MOST = 6, DEFINITIONS_MOST = 4, JOINS_MOST = 24 };

struct holder {
    unsigned vector;         /* number of a vector register, or VECTOR_REGISTERS */
    register_set general;    /* or the bit of another one */
    struct vector_slot slot; /* or a place of the frame, ... */
    uint16_t slot_size;      /* ... so large; 0: none.  Units: bytes */
};

static bool writes(const struct insn *insn, const struct holder *holder)
{
    if (insn->role == ROLE_CALL || (insn_changes(insn) & (holder->general | register_bit(holder->slot.base))) != 0)
        return true;
    for (size_t i = 0; i < insn->decoded.operand_count; i++) {
        const ZydisDecodedOperand *operand = &insn->operands[i];
        unsigned number =
            operand->type == ZYDIS_OPERAND_TYPE_REGISTER ? vector_number(operand->reg.value) : VECTOR_REGISTERS;
        bool is_slot = operand->type == ZYDIS_OPERAND_TYPE_MEMORY && holder->slot_size != 0 &&
                       vector_slot_overlaps(&holder->slot, holder->slot_size, operand);
        bool is_it = is_slot || (number == holder->vector && number < VECTOR_REGISTERS);
        if (is_it && (operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
            return true;
    }
    return false;
}

/* The instructions that may have written what is held. */
struct definitions {
    size_t at[DEFINITIONS_MOST], count;
};

/* All ways that lead to a use, followed backwards, each up to a definition. */
struct ways_back {
    const struct function *function;
    const struct holder *holder;
    struct definitions *found;
    size_t joins[JOINS_MOST], join_count; /* that were come to */
    size_t open[JOINS_MOST], open_count;  /* jumps, before which ways are still to be followed */
    size_t insns;                         /* that were followed */
};

static bool note_definition(struct definitions *found, size_t definition)
{
    for (size_t i = 0; i < found->count; i++)
        if (found->at[i] == definition)
            return true;
    if (found->count == DEFINITIONS_MOST)
        return false;
    found->at[found->count++] = definition;
    return true;
}

/* Returns: true for one that was come to before. */
static bool is_known_join(const struct ways_back *ways, size_t at)
{
    for (size_t i = 0; i < ways->join_count; i++)
        if (ways->joins[i] == at)
            return true;
    return false;
}

/* Leaves the jumps to `at` to be followed.  Returns: false when there is no room, or they are not all known. */
static bool open_join(struct ways_back *ways, size_t at)
{
    const struct function *function = ways->function;
    if (function->insns[at].is_entry || ways->join_count == JOINS_MOST)
        return false;
    ways->joins[ways->join_count++] = at;
    for (size_t i = 0; i < function->insn_count; i++) {
        if (function->insns[i].target_index != at)
            continue;
        if (ways->open_count == JOINS_MOST)
            return false;
        ways->open[ways->open_count++] = i;
    }
    return true;
}

static bool goes_on(const struct insn *insn)
{
    return insn->role == ROLE_PLAIN || insn->role == ROLE_BRANCH || insn->role == ROLE_CALL;
}

/* Returns: false when what is held before the instruction is not known by definitions alone. */
static bool look_back(struct ways_back *ways, size_t at)
{
    for (;; at--) {
        bool is_join = ways->function->insns[at].is_join;
        if (is_join && is_known_join(ways, at))
            return true;
        if ((is_join && !open_join(ways, at)) || at == 0 || ways->insns++ == INSNS_BACK)
            return false;
        const struct insn *before = &ways->function->insns[at - 1];
        if (!goes_on(before))
            return true; /* what is no join behind it is padding */
        if (writes(before, ways->holder))
            return before->role != ROLE_CALL && note_definition(ways->found, at - 1);
    }
}

/* Finds the instructions that what is held at `use` comes from.  Returns: false when there may be others. */
static bool find_definitions(const struct function *function, size_t use, const struct holder *holder,
                             struct definitions *found)
{
    struct ways_back ways = {.function = function, .holder = holder, .found = found};
    found->count = 0;
    bool is_known = look_back(&ways, use);
    while (is_known && ways.open_count > 0)
        is_known = look_back(&ways, ways.open[--ways.open_count]);
    return is_known && found->count > 0;
}

static bool value_at(const struct vector_place *place, const ZydisDecodedOperand *operand, unsigned steps,
                     struct vector_value *value);

static void fill(struct vector_value *value, size_t size)
{
    for (size_t i = size; i < sizeof value->bytes; i++)
        value->bytes[i] = value->bytes[i - size];
}

static bool value_in_memory(const struct vector_place *place, const ZydisDecodedOperand *operand,
                            struct vector_value *value)
{
    const struct insn *insn = &place->function->insns[place->at];
    uint64_t address = insn->address + insn->length + (uint64_t)operand->mem.disp.value, size = operand->size / 8u;
    if (operand->mem.base != ZYDIS_REGISTER_RIP || size > sizeof value->bytes ||
        !elf_module_is_readonly(place->module, address, size))
        return false;
    const uint8_t *bytes = elf_bytes_at(place->module, address, size);
    if (!bytes)
        return false;
    memcpy(value->bytes, bytes, size);
    if (vector_is_spread(insn, operand))
        fill(value, size);
    return true;
}

static const ZydisDecodedOperand *last_of(const struct insn *insn)
{
    return &insn->operands[insn->decoded.operand_count_visible - 1];
}

/* Returns: the operand behind that which is written. */
static const ZydisDecodedOperand *source_of(const struct insn *insn)
{
    const ZydisDecodedOperand *operands[VECTOR_OPERANDS];
    size_t count = vector_operands(insn, operands);
    return operands[count < 2 ? 0 : 1];
}

static bool is_masked(const struct insn *insn)
{
    return insn->decoded.avx.mask.mode > ZYDIS_MASK_MODE_DISABLED;
}

/* mov immediate, reg */
static bool loads_number(const struct insn *insn)
{
    return insn->decoded.mnemonic == ZYDIS_MNEMONIC_MOV && insn->operands[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
           register_is_whole(insn->operands[0].reg.value);
}

static bool value_of_number(const struct vector_place *place, ZydisRegister reg, struct vector_value *value)
{
    const struct holder holder = {.vector = VECTOR_REGISTERS, .general = register_bit(reg)};
    struct definitions found;
    if (!holder.general || !find_definitions(place->function, place->at, &holder, &found))
        return false;
    const struct insn *insns = place->function->insns;
    for (size_t i = 0; i < found.count; i++)
        if (!loads_number(&insns[found.at[i]]) ||
            insns[found.at[i]].operands[1].imm.value.u != insns[found.at[0]].operands[1].imm.value.u)
            return false;
    memcpy(value->bytes, &insns[found.at[0]].operands[1].imm.value.u, sizeof(uint32_t));
    return true;
}

static void shift(struct vector_value *value, const struct insn *insn, struct vector_shape shape)
{
    unsigned count = (uint8_t)last_of(insn)->imm.value.u;
    for (unsigned at = 0; at < sizeof value->bytes; at += shape.element) {
        uint64_t element = 0;
        memcpy(&element, &value->bytes[at], shape.element);
        element = count >= 8U * shape.element ? 0 : shape.kind == KIND_SHIFT_LEFT ? element << count : element >> count;
        memcpy(&value->bytes[at], &element, shape.element);
    }
}

static void extend(struct vector_value *value, struct vector_shape shape)
{
    const struct vector_value before = *value;
    for (unsigned at = 0; at < sizeof value->bytes; at++) {
        unsigned byte = at % shape.becomes;
        const uint8_t *from = &before.bytes[at / shape.becomes * shape.element];
        bool is_negative = shape.kind == KIND_RESIZE && (from[shape.element - 1] & 0x80) != 0;
        value->bytes[at] = byte < shape.element ? from[byte] : is_negative ? UINT8_MAX : 0;
    }
}

static bool is_sign_extension(const struct insn *insn)
{
    switch (insn->decoded.mnemonic) {
    case ZYDIS_MNEMONIC_VPMOVSXBW:
    case ZYDIS_MNEMONIC_VPMOVSXBD:
    case ZYDIS_MNEMONIC_VPMOVSXBQ:
    case ZYDIS_MNEMONIC_VPMOVSXWD:
    case ZYDIS_MNEMONIC_VPMOVSXWQ:
    case ZYDIS_MNEMONIC_VPMOVSXDQ:
        return true;
    default:
        return false;
    }
}

static bool is_all_ones(const struct insn *insn)
{
    bool is_ternary =
        insn->decoded.mnemonic == ZYDIS_MNEMONIC_VPTERNLOGD || insn->decoded.mnemonic == ZYDIS_MNEMONIC_VPTERNLOGQ;
    return is_ternary && last_of(insn)->imm.value.u == UINT8_MAX;
}

static void permute(struct vector_value *value, uint64_t order)
{
    const struct vector_value before = *value;
    for (unsigned at = 0; at < sizeof value->bytes; at++) {
        unsigned lane = at / VECTOR_LANE * VECTOR_LANE, element = at % VECTOR_LANE / 4;
        value->bytes[at] = before.bytes[lane + (order >> 2 * element & 3) * 4 + at % 4];
    }
}

static bool is_equality(const struct insn *insn)
{
    switch (insn->decoded.mnemonic) {
    case ZYDIS_MNEMONIC_PCMPEQB:
    case ZYDIS_MNEMONIC_PCMPEQW:
    case ZYDIS_MNEMONIC_PCMPEQD:
    case ZYDIS_MNEMONIC_VPCMPEQB:
    case ZYDIS_MNEMONIC_VPCMPEQW:
    case ZYDIS_MNEMONIC_VPCMPEQD:
        return true;
    default:
        return false;
    }
}

static bool is_number(const ZydisDecodedOperand *operand, struct vector_shape shape)
{
    return operand->type == ZYDIS_OPERAND_TYPE_REGISTER && vector_number(operand->reg.value) == VECTOR_REGISTERS &&
           shape.element <= sizeof(uint32_t);
}

static bool value_made(const struct vector_place *place, unsigned steps, struct vector_value *value)
{
    const struct insn *insn = &place->function->insns[place->at];
    struct vector_shape shape = vector_shape_of(insn);
    const ZydisDecodedOperand *from = source_of(insn);
    if (is_masked(insn))
        return false;
    switch ((enum vector_kind)shape.kind) {
    case KIND_MOVE:
        return value_at(place, from, steps, value);
    case KIND_MOVE_LOW:
        if (from->type == ZYDIS_OPERAND_TYPE_MEMORY)
            return value_in_memory(place, from, value);
        return shape.element == sizeof(uint32_t) && value_of_number(place, from->reg.value, value);
    case KIND_BROADCAST:
        if (!(is_number(from, shape) ? value_of_number(place, from->reg.value, value)
                                     : value_at(place, from, steps, value)))
            return false;
        fill(value, shape.element);
        return true;
    case KIND_PERMUTE:
        if (shape.element != sizeof(uint32_t) || !value_at(place, from, steps, value))
            return false;
        permute(value, last_of(insn)->imm.value.u);
        return true;
    case KIND_DIFFERENCE:
        memset(value->bytes, is_equality(insn) ? UINT8_MAX : 0, sizeof value->bytes);
        return vector_is_of_itself(insn);
    case KIND_EXTEND:
    case KIND_RESIZE:
        if ((shape.kind == KIND_RESIZE && !is_sign_extension(insn)) || !value_at(place, from, steps, value))
            return false;
        extend(value, shape);
        return true;
    case KIND_VERTICAL: /* vpternlog $0xff */
        memset(value->bytes, UINT8_MAX, sizeof value->bytes);
        return is_all_ones(insn);
    case KIND_SHIFT_LEFT:
    case KIND_SHIFT_RIGHT:
        if (last_of(insn)->type != ZYDIS_OPERAND_TYPE_IMMEDIATE || !value_at(place, last_of(insn) - 1, steps, value))
            return false;
        shift(value, insn, shape);
        return true;
    default:
        return false;
    }
}

/* What the instruction leaves in its first operand. */
static bool value_defined(const struct vector_place *place, unsigned steps, struct vector_value *value)
{
    *value = (struct vector_value){{0}};
    if (!value_made(place, steps, value))
        return false;
    const ZydisDecodedOperand *to = &place->function->insns[place->at].operands[0];
    unsigned width = to->type == ZYDIS_OPERAND_TYPE_REGISTER ? vector_width(to->reg.value) : to->size / 8u;
    if (width < VECTOR_BYTES)
        memset(&value->bytes[width], 0, VECTOR_BYTES - width);
    return true;
}

static bool value_at(const struct vector_place *place, const ZydisDecodedOperand *operand, unsigned steps,
                     struct vector_value *value)
{
    struct holder holder = {.vector = VECTOR_REGISTERS};
    bool is_slot = vector_is_in_frame(&place->function->insns[place->at], operand);
    *value = (struct vector_value){{0}};
    if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY && !is_slot)
        return value_in_memory(place, operand, value);
    if (is_slot)
        holder = (struct holder){.vector = VECTOR_REGISTERS,
                                 .slot = {operand->mem.base, operand->mem.disp.value},
                                 .slot_size = operand->size / 8};
    else if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER)
        holder.vector = vector_number(operand->reg.value);
    if (steps == 0 || (holder.slot_size == 0 && holder.vector == VECTOR_REGISTERS))
        return false;
    struct definitions found;
    bool is_known = find_definitions(place->function, place->at, &holder, &found);
    for (size_t i = 0; is_known && i < found.count; i++) {
        struct vector_value other;
        const struct vector_place there = {place->module, place->function, found.at[i]};
        /* of several none is followed far: they multiply */
        is_known = value_defined(&there, found.count > 1 ? steps / 2 : steps - 1, i == 0 ? value : &other) &&
                   (i == 0 || memcmp(value, &other, sizeof other) == 0);
    }
    return is_known;
}

bool vector_constant(const struct vector_place *place, const ZydisDecodedOperand *operand, struct vector_value *value)
{
    return value_at(place, operand, STEPS_MOST, value);
}
