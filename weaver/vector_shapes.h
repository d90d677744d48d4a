/* vector_shapes.h: what kind of vector instruction each one is: a table by mnemonic, for vector_bytes.c. */
#ifndef LOCKHOUND_WEAVER_VECTOR_SHAPES_H
#define LOCKHOUND_WEAVER_VECTOR_SHAPES_H

#include "weaver/model.h"

enum vector_kind {
    KIND_UNKNOWN,
    /* Of two sources, element by element: */
    KIND_VERTICAL,
    KIND_DIFFERENCE, /* nothing when both are the same register */
    KIND_AND,
    KIND_AND_NOT,
    KIND_EVEN,       /* elements of eight bytes, of the lower halves */
    KIND_PACK,       /* elements side by side become one, those of the first source below */
    KIND_LOWEST,     /* of the lowest element alone; the others stay */
    KIND_USE_LOWEST, /* nothing goes to a vector */
    /* Of one source, element by element: */
    KIND_SHIFT_LEFT,
    KIND_SHIFT_RIGHT,
    KIND_SHIFT_SIGNED,
    KIND_RESIZE,   /* all bytes of an element */
    KIND_EXTEND,   /* by zeros */
    KIND_TRUNCATE, /* the low bytes of an element */
    /* Bytes go to other places (source_of()): */
    KIND_MOVE,
    KIND_MOVE_LOW,
    KIND_MERGE_LOW,
    KIND_HALF_LOW,
    KIND_HALF_HIGH,
    KIND_HIGH_TO_LOW,
    KIND_UNPACK_LOW,
    KIND_UNPACK_HIGH,
    KIND_SHUFFLE,
    KIND_PERMUTE,
    KIND_WORDS_LOW,
    KIND_WORDS_HIGH,
    KIND_ALIGN,
    KIND_BYTES_LEFT,
    KIND_BYTES_RIGHT,
    KIND_BLEND,
    KIND_EVEN_TWICE,
    KIND_ODD_TWICE,
    KIND_BROADCAST,
    KIND_INSERT,
    KIND_INSERT_SINGLE,
    KIND_EXTRACT,
    KIND_LANE_INSERT,
    KIND_LANE_EXTRACT,
    KIND_LANES,
    KIND_LANE_SHUFFLE,
    KIND_QUARTERS,
    KIND_ELEMENTS_ALIGN,
    /* ... which the control says: */
    KIND_BY_BYTES,
    KIND_BY_INDEX,
    KIND_TABLES,        /* of two tables, the first of which is overwritten; */
    KIND_TABLES_INDEXED /* the control is */
};

struct vector_shape {
    uint8_t kind;    /* enum vector_kind */
    uint8_t element; /* units: bytes */
    uint8_t becomes; /* of KIND_RESIZE, KIND_EXTEND, KIND_TRUNCATE: the size of an element of the result */
};

/* Returns: the instruction's; KIND_UNKNOWN for one that is not known, or in a form that is not. */
struct vector_shape vector_shape_of(const struct insn *insn);

enum { VECTOR_OPERANDS = ZYDIS_MAX_OPERAND_COUNT };

/* The operands that the instruction is written with, but for a mask: what it writes, its sources, an immediate.
 * Returns: how many. */
size_t vector_operands(const struct insn *insn, const ZydisDecodedOperand *operands[VECTOR_OPERANDS]);

/* Returns: whether the operand is one element in memory that stands for each of a vector. */
bool vector_is_spread(const struct insn *insn, const ZydisDecodedOperand *operand);

/* Returns: whether both sources of an instruction without an immediate are the same register. */
bool vector_is_of_itself(const struct insn *insn);

#endif
