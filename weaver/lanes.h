/* lanes.h: accesses of which only a vector or a mask tells, when they run, what they touch.
 *
 *   instruction --lanes_of--> struct lanes --lanes_spill--> mask and index in the plane's header --routine--> each element that is touched
 *
 * Masked:   AVX-512 under a mask, VMASKMOV, VPMASKMOV, MASKMOVDQU: an element whose bit, or sign, is not set is not touched.
 * Packed:   VCOMPRESS and VEXPAND: as many elements, side by side, as bits are set.
 * Gathered: gathers and scatters: each element has an address of its own, the common one and a scaled index.
 * Chosen:   a whole load of which a later instruction takes elements under a mask (vector_choices.c), checked there.
 * Refused:  what reads all of its operand for elements that a mask then throws away (SDM, exception classes "NF"): whether that is
 *           meant cannot be told.
 */
#ifndef LOCKHOUND_WEAVER_LANES_H
#define LOCKHOUND_WEAVER_LANES_H

#include "weaver/draft.h"
#include "weaver/model.h"

struct lanes {
    struct image_lanes told; /* to the routine */
    uint16_t size;           /* of all that may be touched; of one element where they are gathered.  Units: bytes */
    ZydisRegister mask;      /* K1 to K7, or a vector register */
    ZydisRegister index;     /* ZYDIS_REGISTER_NONE: elements lie side by side */
};

/* Returns: whether it has a mask of bits (AVX-512). */
bool insn_has_mask(const struct insn *insn);
/* Returns: the size of the elements that the signs of its mask, the second operand, stand for; 0: it has none.  Units: bytes. */
unsigned insn_signs_of_mask(const struct insn *insn);

/* Returns: whether the instruction touches its memory operand element by element. */
bool lanes_are_told(const struct insn *insn, const ZydisDecodedOperand *operand);

/* Returns: false when it is refused. */
bool lanes_of(struct lanes *lanes, const struct insn *insn, const ZydisDecodedOperand *operand);

/* Returns: what the routine is told of a load that is checked at an instruction which chooses from it. */
struct image_lanes lanes_of_choice(const struct access *access);

/* Emits: mask and index of an access to the plane's header; nothing where it has none.  `here` is the instruction that it is checked at. */
void lanes_spill(struct image_draft *draft, const struct insn *here, const struct insn *insn,
                 const struct access *access);

#endif
