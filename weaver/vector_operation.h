/* vector_operation.h: one vector instruction while it is followed, and what its result is made of.
 *
 *   vector_bytes.c: operands and what they hold --> struct vector_operation --vector_result()--> what each byte of the result holds
 *                                                                          \--vector_used_up()--> what does not get there
 */
#ifndef LOCKHOUND_WEAVER_VECTOR_OPERATION_H
#define LOCKHOUND_WEAVER_VECTOR_OPERATION_H

#include "weaver/vector_bytes.h"
#include "weaver/vector_shapes.h"

/* One instruction while it is followed.  An instruction of one source has it twice. */
struct vector_operation {
    const struct insn *insn;
    struct vector_shape shape;
    const ZydisDecodedOperand *to, *operands[2];
    struct vector_bytes first, second, third; /* third: what stands there that the result goes to, where it counts */
    bool first_counts;                        /* the first is read, not only kept in part */
    bool has_immediate;
    bool merges; /* a mask says which elements stay */
    unsigned width, immediate;
    const struct vector_value *constants[2]; /* the sources, or what controls them; NULL: not known */
};

static inline bool vector_is_register(const ZydisDecodedOperand *operand)
{
    return operand->type == ZYDIS_OPERAND_TYPE_REGISTER && vector_number(operand->reg.value) < VECTOR_REGISTERS;
}

/* Of a vector register all of it: that the instruction has to do with a half alone is what source_of() says. */
static inline unsigned vector_width_of(const ZydisDecodedOperand *operand)
{
    unsigned width = vector_is_register(operand) ? vector_width(operand->reg.value) : operand->size / 8u;
    return width < VECTOR_BYTES ? width : VECTOR_BYTES;
}

/* Returns: whether it is of use to know the operation's constants. */
bool vector_is_of_constants(const struct vector_operation *op);

void vector_result(const struct vector_operation *op, struct vector_bytes *result);

/* Returns: the loaded bytes, as bits, that the operation uses up, of which nothing comes to its result. */
uint64_t vector_used_up(const struct vector_operation *op);

#endif
