/* scratch.c: a register and the flags for a check's use. */
#include "weaver/scratch.h"

#include "weaver/encode.h"
#include "weaver/plane.h"

enum { SPILL_RAX = 0, SPILL_FLAGS = 2 };

static register_set bit(unsigned reg)
{
    return (register_set)1 << reg;
}

/* LAHF takes SF, ZF, AF, PF and CF, SETO the overflow flag: PUSHF would touch the red zone and is slow. */
static void save_flags(struct scratch *scratch, struct image_draft *draft, register_set used)
{
    if (scratch->is_rax_live)
        encode_store(draft, ENCODE_RAX, PLANE_SPILL(SPILL_RAX));
    draft_bytes(draft, "\x9f\x0f\x90\xc0", 4); /* lahf; seto al */
    scratch->flags = FLAGS_IN_RAX;
    if (used & bit(ENCODE_RAX)) {
        encode_store(draft, ENCODE_RAX, PLANE_SPILL(SPILL_FLAGS));
        encode_load(draft, ENCODE_RAX, PLANE_SPILL(SPILL_RAX));
        scratch->flags = FLAGS_IN_SPILL;
    }
    draft->counts[IMAGE_SAVED_FLAGS]++;
}

unsigned scratch_first(register_set free)
{
    unsigned reg = 0;
    while (reg < SCRATCH_NONE && !(free & bit(reg)))
        reg++;
    return reg;
}

/* Returns: the first of these registers above `last`, or the first of all. */
static unsigned next_of(register_set free, unsigned last)
{
    register_set above = free & ~(((register_set)2 << last) - 1);
    return scratch_first(above != 0 ? above : free);
}

void scratch_begin(struct scratch *scratch, struct image_draft *draft, register_set live, register_set used)
{
    *scratch = (struct scratch){.flags = FLAGS_DEAD, .is_rax_live = ((live | used) & bit(ENCODE_RAX)) != 0};
    if (live & REGISTER_FLAGS)
        save_flags(scratch, draft, used);
}

void scratch_take_register(struct scratch *scratch, struct image_draft *draft, register_set live, register_set used,
                           register_set soon)
{
    register_set taken = used | bit(ENCODE_RSP) | (scratch->flags == FLAGS_DEAD ? 0 : bit(ENCODE_RAX));
    scratch->reg = scratch_first(~(live | taken) & 0xffff);
    if (scratch->reg < SCRATCH_NONE)
        return;
    register_set free = ~(soon | taken) & 0xffff;
    free = free != 0 ? free : ~taken & 0xffff;
    draft->spilled_last = (uint8_t)next_of(free, draft->spilled_last);
    scratch->reg = draft->spilled_last;
    scratch->is_spilled = true;
    encode_store(draft, scratch->reg, PLANE_SPILL(SCRATCH_SPILL));
    draft->counts[IMAGE_SPILLED_REGISTERS]++;
}

void scratch_end(const struct scratch *scratch, struct image_draft *draft)
{
    if (scratch->is_spilled)
        encode_load(draft, scratch->reg, PLANE_SPILL(SCRATCH_SPILL));
    if (scratch->flags == FLAGS_DEAD)
        return;
    if (scratch->flags == FLAGS_IN_SPILL)
        encode_load(draft, ENCODE_RAX, PLANE_SPILL(SPILL_FLAGS));
    draft_bytes(draft, "\x04\x7f\x9e", 3); /* add al,127 (overflows when SETO said 1); sahf */
    if (scratch->is_rax_live)
        encode_load(draft, ENCODE_RAX, PLANE_SPILL(SPILL_RAX));
}
