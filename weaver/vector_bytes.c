/* vector_bytes.c: what is held in vector registers, instruction by instruction. */
#include "weaver/vector_bytes.h"

#include <string.h>

#include "weaver/vector_operation.h"

/* ---- operands ------------------------------------------------------------------------------------------------------ */

enum { NOWHERE = VECTOR_HOMES };

static unsigned slot_of(const struct vector_state *state, const ZydisDecodedOperand *operand)
{
    for (unsigned i = 0; i < VECTOR_SLOTS; i++)
        if (state->holding >> VECTOR_REGISTERS >> i & 1 && state->slots[i].base == operand->mem.base &&
            state->slots[i].displacement == operand->mem.disp.value)
            return VECTOR_REGISTERS + i;
    return NOWHERE;
}

/* Returns: the number of the register, or the slot that holds something, or NOWHERE. */
static unsigned home_of(const struct vector_state *state, const struct insn *insn, const ZydisDecodedOperand *operand)
{
    if (vector_is_register(operand))
        return vector_number(operand->reg.value);
    return vector_is_in_frame(insn, operand) ? slot_of(state, operand) : NOWHERE;
}

static struct vector_bytes bytes_of(const struct vector_state *state, const struct insn *insn,
                                    const ZydisDecodedOperand *operand, int loaded)
{
    struct vector_bytes bytes = {{0}};
    bool is_load = operand->type == ZYDIS_OPERAND_TYPE_MEMORY && loaded >= 0 && operand == &insn->operands[loaded];
    unsigned home = home_of(state, insn, operand), width = vector_width_of(operand);
    for (unsigned i = 0; i < width; i++)
        if (is_load)
            bytes.of[i] = UINT64_C(1) << i;
        else if (home != NOWHERE)
            bytes.of[i] = vector_bytes_at(state, home)->of[i];
    for (unsigned i = width; i < VECTOR_BYTES && vector_is_spread(insn, operand); i++)
        bytes.of[i] = bytes.of[i - width];
    return bytes;
}

static bool is_read(const ZydisDecodedOperand *operand)
{
    return (operand->actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0;
}

/* Without VEX the first source is what the result goes to. */
static struct vector_operation operation_of(const struct vector_state *state, const struct vector_place *place,
                                            int loaded)
{
    const struct insn *insn = &place->function->insns[place->at];
    const ZydisDecodedOperand *operands[VECTOR_OPERANDS];
    struct vector_operation op = {.insn = insn, .shape = vector_shape_of(insn)};
    size_t count = vector_operands(insn, operands);
    op.to = operands[0];
    op.width = vector_width_of(op.to);
    if (operands[count - 1]->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
        op.has_immediate = true;
        op.immediate = (uint8_t)operands[--count]->imm.value.u;
    }
    bool is_legacy = insn->decoded.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY;
    op.operands[0] = operands[is_legacy || count < 2 || op.shape.kind == KIND_USE_LOWEST ? 0 : 1];
    op.operands[1] = operands[count - 1];
    op.first = bytes_of(state, insn, op.operands[0], loaded);
    op.second = bytes_of(state, insn, op.operands[1], loaded);
    op.merges = insn->decoded.avx.mask.mode == ZYDIS_MASK_MODE_MERGING;
    if (!is_legacy && is_read(op.to))
        op.third = bytes_of(state, insn, op.to, loaded);
    op.first_counts = !is_legacy || is_read(op.to);
    return op;
}

/* ---- the result ------------------------------------------------------------------------------------------------------ */

const struct vector_bytes *vector_bytes_at(const struct vector_state *state, unsigned home)
{
    static const struct vector_bytes nothing;
    return state->holding >> home & 1 ? &state->held[state->held_at[home]] : &nothing;
}

/* Returns: a place of held[] that no home has; VECTOR_HELD when there is none. */
static unsigned free_place(const struct vector_state *state)
{
    uint32_t taken = 0;
    for (uint64_t left = state->holding; left != 0; left &= left - 1)
        taken |= UINT32_C(1) << state->held_at[__builtin_ctzll(left)];
    return (unsigned)__builtin_ctz(~taken);
}

void vector_bytes_set(struct vector_state *state, unsigned home, const struct vector_bytes *bytes)
{
    uint64_t bit = UINT64_C(1) << home, all = vector_united(bytes->of, VECTOR_BYTES);
    unsigned place = state->holding & bit ? state->held_at[home] : free_place(state);
    state->holding &= ~bit;
    if (all == 0)
        return;
    if (place >= VECTOR_HELD) {
        state->used |= all;
        return;
    }
    state->holding |= bit;
    state->held_at[home] = (uint8_t)place;
    state->held[place] = *bytes;
}

static void clear(struct vector_state *state, unsigned home)
{
    state->holding &= ~(UINT64_C(1) << home);
}

static void set_register(struct vector_state *state, const struct vector_operation *op,
                         const struct vector_bytes *result)
{
    unsigned number = vector_number(op->to->reg.value);
    struct vector_bytes to = *vector_bytes_at(state, number);
    bool clears_above = op->insn->decoded.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY;
    for (unsigned i = 0; i < VECTOR_BYTES; i++)
        if (i < op->width || clears_above)
            to.of[i] = i < op->width ? result->of[i] : 0;
    vector_bytes_set(state, number, &to);
}

/* Returns: false when there is no slot left. */
static bool set_slot(struct vector_state *state, const ZydisDecodedOperand *operand, const struct vector_bytes *bytes)
{
    unsigned home = slot_of(state, operand), i = 0;
    while (home == NOWHERE && i < VECTOR_SLOTS && state->holding >> VECTOR_REGISTERS >> i & 1)
        i++;
    if (home == NOWHERE && i == VECTOR_SLOTS)
        return false;
    if (home == NOWHERE) {
        home = VECTOR_REGISTERS + i;
        state->slots[i] = (struct vector_slot){operand->mem.base, operand->mem.disp.value};
    }
    vector_bytes_set(state, home, bytes);
    return true;
}

static void follow_known(struct vector_state *state, const struct vector_place *place, int loaded)
{
    struct vector_operation op = operation_of(state, place, loaded);
    struct vector_value values[2];
    struct vector_bytes result;
    state->used |= vector_used_up(&op);
    if (op.shape.kind == KIND_USE_LOWEST)
        return;
    for (int i = 0; i < 2 && vector_is_of_constants(&op); i++) {
        const ZydisDecodedOperand *operand = i == 0 && op.shape.kind == KIND_TABLES_INDEXED ? op.to : op.operands[i];
        op.constants[i] = vector_constant(place, operand, &values[i]) ? &values[i] : NULL;
    }
    vector_result(&op, &result);
    if (vector_is_register(op.to))
        set_register(state, &op, &result);
    else if (!vector_is_in_frame(op.insn, op.to) || !set_slot(state, op.to, &result))
        state->used |= vector_united(result.of, op.width);
}

/* ---- instructions ------------------------------------------------------------------------------------------------------ */

void vector_bytes_use(struct vector_state *state, uint64_t homes)
{
    for (uint64_t left = state->holding & homes; left != 0; left &= left - 1)
        state->used |= vector_united(vector_bytes_at(state, (unsigned)__builtin_ctzll(left))->of, VECTOR_BYTES);
}

/* Slots that are not the same place on both ways are used. */
static void use_other_slots(struct vector_state *state, const struct vector_state *earlier)
{
    for (unsigned i = 0; i < VECTOR_SLOTS; i++) {
        bool is_same = state->slots[i].base == earlier->slots[i].base &&
                       state->slots[i].displacement == earlier->slots[i].displacement;
        uint64_t bit = UINT64_C(1) << VECTOR_REGISTERS << i;
        if (is_same || !(state->holding & bit))
            continue;
        vector_bytes_use(state, bit);
        clear(state, VECTOR_REGISTERS + i);
    }
}

bool vector_bytes_join(struct vector_state *state, struct vector_state *earlier)
{
    bool is_new = false;
    use_other_slots(state, earlier);
    for (uint64_t left = state->holding | earlier->holding; left != 0; left &= left - 1) {
        unsigned home = (unsigned)__builtin_ctzll(left);
        const struct vector_bytes *here = vector_bytes_at(state, home);
        struct vector_bytes both = *vector_bytes_at(earlier, home);
        for (unsigned k = 0; k < VECTOR_BYTES; k++) {
            is_new |= (here->of[k] & ~both.of[k]) != 0;
            both.of[k] |= here->of[k];
        }
        vector_bytes_set(state, home, &both);
        vector_bytes_set(earlier, home, &both);
    }
    state->used |= earlier->used; /* where there was no more room */
    memcpy(state->slots, earlier->slots, sizeof state->slots);
    return is_new;
}

static uint64_t named(const struct vector_state *state, const struct insn *insn)
{
    uint64_t homes = 0;
    for (size_t i = 0; i < insn->decoded.operand_count; i++) {
        const ZydisDecodedOperand *operand = &insn->operands[i];
        unsigned home = home_of(state, insn, operand);
        if (home == NOWHERE && operand->type == ZYDIS_OPERAND_TYPE_MEMORY)
            home = vector_number(operand->mem.index) < VECTOR_REGISTERS ? vector_number(operand->mem.index) : NOWHERE;
        homes |= home == NOWHERE ? 0 : UINT64_C(1) << home;
    }
    return homes;
}

/* Slots that are read in part, or lie elsewhere from now on, are used. */
static void follow_frame(struct vector_state *state, const struct insn *insn)
{
    const uint64_t slots = ~(UINT64_MAX << VECTOR_SLOTS) << VECTOR_REGISTERS;
    if ((state->holding & slots) == 0)
        return;
    if ((insn_changes(insn) & (register_bit(ZYDIS_REGISTER_RSP) | register_bit(ZYDIS_REGISTER_RBP))) != 0)
        vector_bytes_use(state, slots);
    for (size_t i = 0; i < insn->decoded.operand_count; i++) {
        const ZydisDecodedOperand *operand = &insn->operands[i];
        if (operand->type != ZYDIS_OPERAND_TYPE_MEMORY || !is_read(operand) || home_of(state, insn, operand) != NOWHERE)
            continue;
        for (unsigned k = 0; k < VECTOR_SLOTS; k++)
            if (vector_slot_overlaps(&state->slots[k], VECTOR_BYTES, operand))
                vector_bytes_use(state, UINT64_C(1) << VECTOR_REGISTERS << k);
    }
}

/* What it reads is used; of what it writes nothing is known to be kept but where it may be. */
static void follow_unknown(struct vector_state *state, const struct insn *insn)
{
    vector_bytes_use(state, named(state, insn));
    for (size_t i = 0; i < insn->decoded.operand_count; i++)
        if (vector_is_register(&insn->operands[i]) && (insn->operands[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
            clear(state, vector_number(insn->operands[i].reg.value));
}

void vector_bytes_follow(struct vector_state *state, const struct vector_place *place, int loaded)
{
    const struct insn *insn = &place->function->insns[place->at];
    follow_frame(state, insn);
    if (loaded < 0 && !(named(state, insn) & state->holding))
        return;
    if (vector_shape_of(insn).kind != KIND_UNKNOWN)
        follow_known(state, place, loaded);
    else
        follow_unknown(state, insn);
}
