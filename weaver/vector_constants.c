/* vector_constants.c: what vector registers are known to hold: constants that compilers make ahead of a loop.
 *
 *      movdqa mask(%rip), %xmm6;  loop:  ...  pand %xmm6, %xmm0;  ...  jne loop
 *      mov $255, %eax;  vmovd %eax, %xmm6;  vpbroadcastw %xmm6, %ymm6         pcmpeqd %xmm6, %xmm6;  psrlw $8, %xmm6
 *
 * Model:  the nearest instruction above that writes the register makes it of what is known in the same way, and there is no way to the
 *         use but from there: none leads into what lies between, or behind that up to where it leads back from, from elsewhere. */
#include "weaver/vector_bytes.h"
#include "weaver/vector_shapes.h"

#include <string.h>

enum { INSNS_BACK = 1024, STEPS_MOST = 6, NO_INSN = -1 };

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

/* Returns: how far what is between the two reaches, with all ways back into it; 0: something else leads there. */
static size_t end_of_ways(const struct function *function, size_t definition, size_t use)
{
    size_t end = use;
    bool grows = true;
    while (grows) {
        grows = false;
        for (size_t i = 0; i < function->insn_count; i++) {
            uint32_t target = function->insns[i].target_index;
            if (target == FUNCTION_NONE || target <= definition || target > end)
                continue;
            if (i < definition)
                return 0;
            grows |= i > end;
            end = i > end ? i : end;
        }
    }
    return end;
}

static bool is_only_way(const struct function *function, size_t definition, size_t use, const struct holder *holder)
{
    size_t end = end_of_ways(function, definition, use);
    for (size_t i = definition + 1; i <= end; i++) {
        bool is_read_before =
            i == use && end == use; /* what the use itself writes comes too late, unless it comes again */
        const struct insn *insn = &function->insns[i];
        if ((writes(insn, holder) && !is_read_before) || insn->is_entry || insn->role == ROLE_INDIRECT_JUMP)
            return false;
    }
    return end != 0;
}

/* Returns: the index of the one instruction that what is held at `use` comes from, or NO_INSN. */
static int64_t definition_of(const struct function *function, size_t use, const struct holder *holder)
{
    for (size_t i = use; i-- > 0 && use - i < INSNS_BACK;)
        if (writes(&function->insns[i], holder))
            return is_only_way(function, i, use, holder) ? (int64_t)i : NO_INSN;
    return NO_INSN;
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
static bool value_of_number(const struct vector_place *place, ZydisRegister reg, struct vector_value *value)
{
    const struct holder holder = {.vector = VECTOR_REGISTERS, .general = register_bit(reg)};
    int64_t definition = holder.general ? definition_of(place->function, place->at, &holder) : NO_INSN;
    if (definition == NO_INSN)
        return false;
    const struct insn *insn = &place->function->insns[definition];
    bool is_number = insn->decoded.mnemonic == ZYDIS_MNEMONIC_MOV &&
                     insn->operands[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
                     register_is_whole(insn->operands[0].reg.value);
    memcpy(value->bytes, &insn->operands[1].imm.value.u, sizeof(uint32_t));
    return is_number;
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
    int64_t definition = definition_of(place->function, place->at, &holder);
    const struct vector_place there = {place->module, place->function, (size_t)definition};
    if (definition == NO_INSN || !value_made(&there, steps - 1, value))
        return false;
    const ZydisDecodedOperand *to = &place->function->insns[definition].operands[0];
    unsigned width = to->type == ZYDIS_OPERAND_TYPE_REGISTER ? vector_width(to->reg.value) : to->size / 8u;
    if (width < VECTOR_BYTES)
        memset(&value->bytes[width], 0, VECTOR_BYTES - width);
    return true;
}

bool vector_constant(const struct vector_place *place, const ZydisDecodedOperand *operand, struct vector_value *value)
{
    return value_at(place, operand, STEPS_MOST, value);
}
