/* places.h: where in the module a memory operand leads, also when a register was set to that place just before. */
#ifndef LOCKHOUND_WEAVER_PLACES_H
#define LOCKHOUND_WEAVER_PLACES_H

#include "weaver/passes.h"

struct place {
    bool is_known;         /* false: an index register takes part */
    ZydisRegister base;    /* NONE: `displacement` is an address of the module */
    size_t since;          /* the base is unchanged from this instruction on, as far as was looked */
    uint64_t displacement; /* units: bytes */
};

/* Returns: where the first access of instruction `index` leads, when registers are what they are before instruction `at`,
 * followed back through straight code to `floor`. */
struct place place_find(const struct function *function, size_t index, size_t at, size_t floor);

#endif
