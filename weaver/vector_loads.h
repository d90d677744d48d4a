/* vector_loads.h: what of a load of a vector goes where, for those who check it elsewhere (vector_choices.c). */
#ifndef LOCKHOUND_WEAVER_VECTOR_LOADS_H
#define LOCKHOUND_WEAVER_VECTOR_LOADS_H

#include "weaver/vector_bytes.h"

/* An instruction, at `at`, that takes lanes of a load under a mask. */
struct vector_taking {
    size_t at;
    uint8_t count;                /* of lanes; 0: it has not taken anything yet */
    uint64_t lanes[VECTOR_BYTES]; /* of each: loaded bytes that it is made of, as bits */
};

/* Returns: whether the instruction loads a vector, or a part of one, that can be followed. */
bool vector_is_loaded(const struct insn *insn);

/* Returns: whether what is loaded at `place` is used by `taking` alone, and always in the same way; then the lanes are filled in. */
bool vector_is_taken(const struct vector_place *place, struct vector_taking *taking);

#endif
