/* vector_bytes.h: which bytes of a loaded vector each byte of the vector registers was made of.
 *
 *   load --vector_bytes_follow--> [registers] --vector_bytes_follow, instruction by instruction--> [registers] + used
 *
 * Model:  a byte of a register holds something of a set of loaded bytes; a shuffle moves such sets, arithmetic unites them.  What goes to
 *         memory, to other registers, or through an instruction that is not known here is used.
 * Test:   tests/weaver/test_weaver_vectors.c: each instruction that is known, against what the CPU makes of bytes that differ.
 */
#ifndef LOCKHOUND_WEAVER_VECTOR_BYTES_H
#define LOCKHOUND_WEAVER_VECTOR_BYTES_H

#include "weaver/passes.h"

enum {
    VECTOR_BYTES = 64,
    VECTOR_LANE = 16,
    VECTOR_REGISTERS = 32,
    VECTOR_SLOTS = 8,
    VECTOR_HOMES = VECTOR_REGISTERS + VECTOR_SLOTS, /* the slots are numbered on from the registers */
    VECTOR_HELD = 8                                 /* homes that hold something at a time; what comes then is used */
};

/* Of each byte, lowest first: the loaded bytes that it depends on, as bits. */
struct vector_bytes {
    uint64_t of[VECTOR_BYTES];
};

static inline uint64_t vector_united(const uint64_t *bytes, unsigned count)
{
    uint64_t all = 0;
    for (unsigned i = 0; i < count; i++)
        all |= bytes[i];
    return all;
}

/* A place of the frame that a register was put aside in. */
struct vector_slot {
    ZydisRegister base;
    int64_t displacement;
};

struct vector_state {
    struct vector_bytes held[VECTOR_HELD];
    uint8_t held_at[VECTOR_HOMES]; /* of a home that holds something: where in held[] */
    struct vector_slot slots[VECTOR_SLOTS];
    uint64_t holding; /* homes in which something depends on a loaded byte, as bits */
    uint64_t used;    /* loaded bytes, as bits */
};

/* Returns: what the home holds. */
const struct vector_bytes *vector_bytes_at(const struct vector_state *state, unsigned home);
/* It holds this from now on. */
void vector_bytes_set(struct vector_state *state, unsigned home, const struct vector_bytes *bytes);

/* Where the instruction stands, for what is known of other registers there. */
struct vector_place {
    const struct elf_module *module;
    const struct function *function;
    size_t at;
};

/* Follows one instruction.  `loaded`: the index of the operand that is the load in question; -1: it is another's. */
void vector_bytes_follow(struct vector_state *state, const struct vector_place *place, int loaded);

/* What is held is used, in those among `homes`. */
void vector_bytes_use(struct vector_state *state, uint64_t homes);

/* Adds each of the two to the other.  Returns: whether the second did not hold all of the first. */
bool vector_bytes_join(struct vector_state *state, struct vector_state *earlier);

struct vector_value {
    uint8_t bytes[VECTOR_BYTES];
};

/* vector_constants.c.  Returns: whether it is known what the operand, a vector register or memory, has where the instruction at `place`
 * reads it; then that is in *value, with zeros above. */
bool vector_constant(const struct vector_place *place, const ZydisDecodedOperand *operand, struct vector_value *value);

/* Returns: the number of the vector register among those that are followed; VECTOR_REGISTERS for others. */
static inline unsigned vector_number(ZydisRegister reg)
{
    if (reg >= ZYDIS_REGISTER_XMM0 && reg <= ZYDIS_REGISTER_XMM31)
        return reg - ZYDIS_REGISTER_XMM0;
    if (reg >= ZYDIS_REGISTER_YMM0 && reg <= ZYDIS_REGISTER_YMM31)
        return reg - ZYDIS_REGISTER_YMM0;
    if (reg >= ZYDIS_REGISTER_ZMM0 && reg <= ZYDIS_REGISTER_ZMM31)
        return reg - ZYDIS_REGISTER_ZMM0;
    return VECTOR_REGISTERS;
}

/* Returns: how many bytes the vector register has. */
static inline unsigned vector_width(ZydisRegister reg)
{
    return reg >= ZYDIS_REGISTER_ZMM0 ? 64 : reg >= ZYDIS_REGISTER_YMM0 ? 32 : VECTOR_LANE;
}

/* Returns: whether the operand, in memory, has one of the `size` bytes there. */
static inline bool vector_slot_overlaps(const struct vector_slot *slot, int64_t size,
                                        const ZydisDecodedOperand *operand)
{
    int64_t distance = operand->mem.disp.value - slot->displacement;
    return operand->mem.base == slot->base && distance < size && -distance < operand->size / 8;
}

/* Returns: whether the operand is a vector in a part of the frame that nobody else sees: no access. */
static inline bool vector_is_in_frame(const struct insn *insn, const ZydisDecodedOperand *operand)
{
    return operand->type == ZYDIS_OPERAND_TYPE_MEMORY && insn->access_count == 0 && operand->size / 8u >= VECTOR_LANE &&
           operand->mem.index == ZYDIS_REGISTER_NONE &&
           (operand->mem.base == ZYDIS_REGISTER_RSP || operand->mem.base == ZYDIS_REGISTER_RBP);
}

#endif
