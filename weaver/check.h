/* check.h: the checks around one instruction (plane.h says what a check is).
 *
 *   access --check_before, check_after--> code in line  +  [stubs] --check_stubs--> cold code at the end of the function
 *
 * Registers: a check needs one; it takes a dead one, or spills one to gs:[spill].  Where the arithmetic flags are live they
 *            go to RAX (LAHF, SETO) and back; RAX itself is spilled when it is live, and given back while the check runs
 *            when the operand is made of it.
 * Spills:    0 RAX under the flags, 1 the check's register, 2 the flags, 5 the address of an atomic, or of a load that is checked behind it.
 */
#ifndef LOCKHOUND_WEAVER_CHECK_H
#define LOCKHOUND_WEAVER_CHECK_H

#include "weaver/draft.h"
#include "weaver/encode.h"
#include "weaver/model.h"

enum { CHECK_PIECES_MOST = 16 /* of the widest load with gaps */ };

/* A call of a routine that waits to be emitted: jumps that lead to it, and where it leads back. */
struct check_stub {
    const struct insn *here; /* where the check stands */
    const struct insn *insn; /* of which it is */
    const struct access *access;
    struct encode_operand operand;
    uint8_t spilled;                   /* the register that the check has saved; SCRATCH_NONE: none */
    uint32_t jumps[CHECK_PIECES_MOST]; /* code offsets of rel32 fields */
    uint32_t jump_count;
    uint32_t back;
};

struct check_stubs {
    struct draft_array array; /* struct check_stub */
};

void check_stubs_begin(struct check_stubs *stubs);
void check_stubs_end(struct check_stubs *stubs);

/* Returns: true when a check or an atomic's routine would be emitted for the access. */
bool check_is_wanted(const struct insn *insn, const struct access *access);
/* Emits what goes before the instruction. */
void check_before(struct image_draft *draft, struct check_stubs *stubs, const struct insn *insn);
/* Emits what follows it; `live` are the registers and flags that are live after it. */
void check_after(struct image_draft *draft, struct check_stubs *stubs, const struct insn *insn, register_set live);
/* Emits the stubs that have gathered and forgets them. */
void check_flush_stubs(struct image_draft *draft, struct check_stubs *stubs);

#endif
