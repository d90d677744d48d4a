#include "weaver/repetition.h"

#include "weaver/plane.h"

enum {
    OPCODE_COMPARE = 0x39,
    OPCODE_COMPARE_LOAD = 0x3b,
    OPCODE_COMPARE_IMMEDIATE = 0x81,
    COMPARE_FIELD = 7,
    OPCODE_MOVUPS_STORE = 0x0f11
};
enum { SPILL_VALUE = 3 /* and the next */ };

static const ZydisDecodedOperand *value_of(const struct insn *insn)
{
    return &insn->operands[1];
}

/* The same of two by a vector register, which is looked at in memory: a half at a time, by way of `reg`. */
static uint32_t begin_with_two(struct image_draft *draft, const struct insn *insn, const struct encode_operand *operand,
                               unsigned reg)
{
    unsigned vector = (unsigned)(value_of(insn)->reg.value - ZYDIS_REGISTER_XMM0);
    struct encode_operand half = *operand;
    encode_field(draft, 0, OPCODE_MOVUPS_STORE, vector, PLANE_SPILL(SPILL_VALUE), 0);
    encode_load(draft, reg, PLANE_SPILL(SPILL_VALUE));
    encode_memory(draft, ENCODE_64, OPCODE_COMPARE_LOAD, reg, &half, 0);
    uint32_t differs = encode_jump_on(draft, CONDITION_NOT_EQUAL);
    half.displacement += (int64_t)sizeof(uint64_t);
    encode_load(draft, reg, PLANE_SPILL(SPILL_VALUE + 1));
    encode_memory(draft, ENCODE_64, OPCODE_COMPARE_LOAD, reg, &half, 0);
    uint32_t repeats = encode_jump_on(draft, CONDITION_EQUAL);
    encode_jump_end(draft, differs);
    return repeats;
}

uint32_t repetition_begin(struct image_draft *draft, const struct insn *insn, const struct access *access,
                          const struct encode_operand *operand, unsigned reg)
{
    if (!access->may_repeat)
        return 0;
    if (access->size > sizeof(uint64_t))
        return begin_with_two(draft, insn, operand, reg);
    if (value_of(insn)->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
        encode_memory(draft, ENCODE_64, OPCODE_COMPARE_IMMEDIATE, COMPARE_FIELD, operand, sizeof(uint32_t));
        draft_u32(draft, (uint32_t)value_of(insn)->imm.value.u);
    } else {
        unsigned value = (unsigned)__builtin_ctz(register_bit(value_of(insn)->reg.value));
        encode_memory(draft, ENCODE_64, OPCODE_COMPARE, value, operand, 0);
    }
    return encode_jump_on(draft, CONDITION_EQUAL);
}

register_set repetition_needs(const struct insn *insn, const struct access *access)
{
    bool needs_value = access->may_repeat && value_of(insn)->type == ZYDIS_OPERAND_TYPE_REGISTER;
    return needs_value ? register_bit(value_of(insn)->reg.value) : 0;
}
