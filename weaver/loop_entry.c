/* loop_entry.c: what stands before the clone of a counted loop. */
#include "weaver/loop_entry.h"

#include <stdlib.h>

#include "weaver/check_call.h"
#include "weaver/encode.h"
#include "weaver/loop_round.h"
#include "weaver/plane.h"

enum {
    ROUNDS_LEAST = 24, /* for fewer the calls cost more than the checks */
    ROUNDS_SOME = 256, /* for fewer they do when it has touched all of it already */
    ROUNDS_MOST = 1 << 20,
    SPILL_ROUNDS = 3
};

enum {
    OPCODE_LEA = 0x8d,
    OPCODE_ADD = 0x01,
    OPCODE_SUB = 0x29,
    OPCODE_COMPARE = 0x39,
    OPCODE_AND_LOAD = 0x23,
    OPCODE_XOR_LOAD = 0x33,
    OPCODE_LOAD = 0x8b,
    OPCODE_IMMEDIATE = 0x81, /* with one of these in the field */
    FIELD_ADD = 0,
    FIELD_SUB = 5,
    FIELD_COMPARE = 7
};

/* An operation on two registers, or a register and an immediate. */
static void with_register(struct image_draft *draft, bool is_64, unsigned opcode, unsigned reg, unsigned by)
{
    unsigned rex = (is_64 ? 8U : 0) | by >> 3 << 2 | reg >> 3;
    if (rex != 0)
        draft_byte(draft, 0x40 | rex);
    draft_byte(draft, opcode);
    draft_byte(draft, 0xc0 | (by & 7) << 3 | (reg & 7));
}

static void with_immediate(struct image_draft *draft, bool is_64, unsigned field, unsigned reg, int32_t immediate)
{
    with_register(draft, is_64, OPCODE_IMMEDIATE, reg, field);
    draft_u32(draft, (uint32_t)immediate);
}

static void with_bound(struct image_draft *draft, const struct counted_loop *loop, unsigned opcode, unsigned field,
                       unsigned reg)
{
    if (loop->bound == COUNTED_IMMEDIATE)
        with_immediate(draft, !loop->is_32, field, reg, loop->immediate);
    else
        with_register(draft, !loop->is_32, opcode, reg, loop->bound);
}

static void load_effective(struct image_draft *draft, bool is_64, unsigned reg, unsigned base, int32_t displacement)
{
    const struct encode_operand operand = {(uint8_t)base, ENCODE_NONE, 1, false, displacement, false};
    encode_memory(draft, is_64 ? ENCODE_64 : 0, OPCODE_LEA, reg, &operand, 0);
}

/* The inverse of an odd number modulo 2^64: each turn of Newton's doubles the bits that are right. */
static uint64_t inverse_of(uint64_t odd)
{
    uint64_t inverse = odd;
    for (int i = 0; i < 5; i++)
        inverse *= 2 - odd * inverse;
    return inverse;
}

/* `reg`, a multiple of an odd number or of nothing that this loop ever ends by, becomes the quotient. */
static void divide_by_odd(struct image_draft *draft, unsigned reg, unsigned other, uint64_t odd)
{
    uint64_t inverse = inverse_of(odd);
    draft_byte(draft, 0x48);
    draft_byte(draft, 0xb8 | other); /* mov other, inverse */
    draft_bytes(draft, &inverse, sizeof inverse);
    draft_bytes(draft, "\x48\x0f\xaf", 3); /* imul reg, other */
    draft_byte(draft, 0xc0 | reg << 3 | other);
}

/* `reg` is how far it is from the counter, as it is compared after the first round, to the bound.  It becomes how many rounds
 * there are. */
static void emit_division(struct image_draft *draft, const struct counted_loop *loop, unsigned reg, unsigned other)
{
    uint32_t length = (uint32_t)abs(loop->step), shift = (uint32_t)__builtin_ctz(length);
    bool is_inclusive = loop->condition == CONDITION_NOT_BELOW || loop->condition == CONDITION_NOT_ABOVE ||
                        loop->condition == CONDITION_NOT_LESS || loop->condition == CONDITION_NOT_GREATER;
    bool is_strict = loop->condition != CONDITION_NOT_EQUAL && !is_inclusive;
    if (is_strict && length > 1)
        with_immediate(draft, true, FIELD_ADD, reg, (int32_t)length - 1);
    if (shift > 0) {
        draft_bytes(draft, "\x48\xc1", 2); /* shr reg, shift */
        draft_byte(draft, 0xe8 | reg);
        draft_byte(draft, shift);
    }
    if (length >> shift > 1)
        divide_by_odd(draft, reg, other, length >> shift);
    with_immediate(draft, true, FIELD_ADD, reg, is_inclusive ? 2 : 1);
}

/* The loop has so many rounds; jumps away unless they are many, and not too many.  Two registers are free.
 * Returns: the offset of the field of a jump when they are more than some. */
static uint32_t emit_count(struct image_draft *draft, const struct counted_loop *loop, uint32_t away[2])
{
    unsigned reg = loop->bound == ENCODE_RSI ? ENCODE_RDI : ENCODE_RSI;
    unsigned other = ENCODE_RSI + ENCODE_RDI - reg;
    load_effective(draft, !loop->is_32, reg, loop->counter, loop->is_ahead ? loop->step : 0);
    with_bound(draft, loop, OPCODE_COMPARE, FIELD_COMPARE, reg);
    away[0] = encode_jump_on(draft, loop->condition ^ 1U);
    if (loop->step > 0) {
        draft_bytes(draft, loop->is_32 ? "\xf7" : "\x48\xf7", loop->is_32 ? 1 : 2); /* neg reg */
        draft_byte(draft, 0xd8 | reg);
        with_bound(draft, loop, OPCODE_ADD, FIELD_ADD, reg);
    } else {
        with_bound(draft, loop, OPCODE_SUB, FIELD_SUB, reg);
    }
    emit_division(draft, loop, reg, other);
    encode_store(draft, reg, PLANE_SPILL(SPILL_ROUNDS));
    with_immediate(draft, true, FIELD_SUB, reg, ROUNDS_LEAST);
    with_immediate(draft, true, FIELD_COMPARE, reg, ROUNDS_MOST - ROUNDS_LEAST);
    away[1] = encode_jump_on(draft, CONDITION_ABOVE);
    with_immediate(draft, true, FIELD_COMPARE, reg, ROUNDS_SOME - ROUNDS_LEAST);
    return encode_jump_on(draft, CONDITION_ABOVE);
}

static void restore(struct image_draft *draft)
{
    encode_load(draft, ENCODE_RDI, PLANE_SAVED_RDI);
    encode_load(draft, ENCODE_RSI, PLANE_SAVED_RSI);
    check_move_stack(draft, CHECK_RED_ZONE);
}

/* Its first address to RDI.  Returns: false when there is nothing to check, or it cannot be said. */
static bool emit_address(struct image_draft *draft, const struct insn *insn, const struct access *access)
{
    struct encode_operand operand;
    if (!access->is_run || access->uncovered == 0 || !encode_operand_from(&operand, insn, access->operand))
        return false; /* of what cannot be said there is no check either */
    operand.displacement += access->ahead;
    encode_load(draft, ENCODE_RDI, PLANE_SAVED_RDI);
    encode_load(draft, ENCODE_RSI, PLANE_SAVED_RSI);
    encode_address_in_rdi(draft, &operand, CHECK_RED_ZONE);
    return true;
}

/* Looks at the tags of the first element.  Returns: the offset of the field of a jump when they are not the present ones. */
static uint32_t emit_glance(struct image_draft *draft, const struct insn *insn, const struct access *access)
{
    const struct encode_operand tags = {ENCODE_RDI, ENCODE_NONE, 1, false, 0, false};
    if (access->uncovered != IMAGE_RUN_ALL || !emit_address(draft, insn, access))
        return 0;
    encode_field(draft, 0, OPCODE_AND_LOAD, ENCODE_RDI, PLANE_MASK, 0);
    encode_memory(draft, ENCODE_64 | ENCODE_GS, OPCODE_LOAD, ENCODE_RSI, &tags, 0);
    encode_field(draft, ENCODE_64, OPCODE_XOR_LOAD, ENCODE_RSI, PLANE_WRITE_TAG, 0);
    if (!access->is_write)
        encode_field(draft, ENCODE_64, OPCODE_AND_LOAD, ENCODE_RSI, PLANE_GENERATION_MASK, 0);
    if (access->size < 8) {
        draft_bytes(draft, "\x48\xc1\xe6", 3); /* shl rsi, bits of what is behind it */
        draft_byte(draft, 64 - 8U * access->size);
    }
    return encode_jump_on(draft, CONDITION_NOT_EQUAL);
}

/* Returns: the offset of the field of a jump away when it is refused, or 0. */
static uint32_t emit_run(struct image_draft *draft, const struct insn *first, const struct insn *insn,
                         const struct access *access)
{
    if (!emit_address(draft, insn, access))
        return 0;
    encode_load(draft, ENCODE_RSI, PLANE_SPILL(SPILL_ROUNDS));
    check_call_run(draft, first, insn, access);
    draft_bytes(draft, "\x85\xf6", 2); /* test esi, esi */
    return encode_jump_on(draft, CONDITION_EQUAL);
}

/* Jumps to one place behind: one of each run, two of the count, and one when all has been looked at. */
enum { JUMPS_MOST = RUNS_MOST + 3 };
struct jumps {
    uint32_t fields[JUMPS_MOST], count;
};

static void add_jump(struct jumps *jumps, uint32_t field)
{
    if (field != 0)
        jumps->fields[jumps->count++] = field;
}

static void end_jumps(struct image_draft *draft, const struct jumps *jumps)
{
    for (uint32_t i = 0; i < jumps->count; i++)
        encode_jump_end(draft, jumps->fields[i]);
}

static uint32_t emit_jump(struct image_draft *draft)
{
    draft_byte(draft, 0xe9);
    draft_u32(draft, 0);
    return draft_offset(draft) - 4;
}

uint32_t loop_entry_emit(struct image_draft *draft, const struct function *function, const struct counted_loop *loop)
{
    const struct insn *first = &function->insns[loop->first], *end = &function->insns[loop->last];
    struct jumps away = {.count = 2}, take = {.count = 1}; /* to the form with all checks; to where the runs are told */
    check_call_begin(draft);
    encode_store(draft, ENCODE_RSI, PLANE_SAVED_RSI);
    take.fields[0] = emit_count(draft, loop, away.fields);
    for (const struct insn *insn = first; insn < end; insn++)
        for (size_t k = 0; k < insn->access_count; k++)
            add_jump(&take, emit_glance(draft, insn, &insn->access[k]));
    add_jump(&away, emit_jump(draft));
    end_jumps(draft, &take);
    for (const struct insn *insn = first; insn < end; insn++)
        for (size_t k = 0; k < insn->access_count; k++)
            add_jump(&away, emit_run(draft, first, insn, &insn->access[k]));
    restore(draft);
    uint32_t jump = emit_jump(draft);
    struct image_place *place = draft_add(draft, &draft->places);
    if (place)
        *place = (struct image_place){draft_offset(draft), (uint32_t)first->address};
    end_jumps(draft, &away);
    restore(draft);
    return jump;
}
