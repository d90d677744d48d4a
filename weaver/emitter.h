/* emitter.h: the clone of one function while it is emitted: for emit.c, and for emit_loop.c. */
#ifndef LOCKHOUND_WEAVER_EMITTER_H
#define LOCKHOUND_WEAVER_EMITTER_H

#include "weaver/check.h"
#include "weaver/emit.h"
#include "weaver/patches.h"

/* A rel32 field that leads to an instruction of the same function. */
struct local_branch {
    uint32_t field, target;
};

/* Of a counted loop. */
struct emitted_loop {
    uint32_t rounds; /* code offset of the form with all checks, where its own branch leads */
    uint32_t jump;   /* field of the jump to the other form */
};

/* A function that is being emitted. */
struct emitter {
    struct image_draft *draft;
    const struct elf_module *module;
    const struct function *function;
    struct patch_plan plan;
    uint32_t *starts; /* code offset of each instruction's clone */
    uint32_t gate;    /* code offset of what stands before the first one, for who comes from outside */
    enum image_gate_kind gate_kind;
    struct draft_array branches; /* struct local_branch */
    struct check_stubs stubs;
    struct emitted_loop *loops; /* one for each of the function's */
    size_t loop_count;          /* of those that have begun */
};

/* Makes the rel32 field lead to the clone of the instruction at `address`, here or in another function. */
void emitter_lead_to(struct emitter *emitter, uint32_t field, uint64_t address);
/* Emits the instruction itself. */
void emitter_copy(struct emitter *emitter, const struct insn *insn);

/* emit_loop.c: before the checks of an instruction: what stands at the beginning of a counted loop, where it is one. */
void emit_loop_begin(struct emitter *emitter, size_t index);
/* Instead of the instruction: the branch back of a counted loop, which passes its beginning over.  Returns: whether it was one. */
bool emit_loop_end(struct emitter *emitter, size_t index);
/* Behind the function: the other form of each of its loops, of which the runs have been checked. */
void emit_loops_checked(struct emitter *emitter);

#endif
