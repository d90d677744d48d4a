/* emit_loop.c: the two forms of a counted loop.
 *
 *   entry (loop_entry.c) | rounds with all checks, in their place among the rest ... | ... rounds without those of runs, behind the function
 */
#include <stdlib.h>
#include <string.h>

#include "weaver/emitter.h"
#include "weaver/loop_entry.h"
#include "weaver/relocate.h"

void emit_loop_begin(struct emitter *emitter, size_t index)
{
    const struct function *function = emitter->function;
    if (emitter->loop_count == function->loop_count || function->loops[emitter->loop_count].first != index)
        return;
    struct emitted_loop *loop = &emitter->loops[emitter->loop_count];
    loop->jump = loop_entry_emit(emitter->draft, function, &function->loops[emitter->loop_count++]);
    loop->rounds = draft_offset(emitter->draft);
    emitter->draft->counts[IMAGE_COUNTED_LOOPS]++;
}

bool emit_loop_end(struct emitter *emitter, size_t index)
{
    if (emitter->loop_count == 0 || emitter->function->loops[emitter->loop_count - 1].last != index)
        return false;
    uint32_t field = relocate_branch(emitter->draft, &emitter->function->insns[index]);
    draft_set_u32(emitter->draft, field, emitter->loops[emitter->loop_count - 1].rounds - (field + 4));
    return true;
}

/* One instruction of it; `insn` is a copy of the model's.  Returns: the field of its branch within the loop, or 0. */
static uint32_t emit_round_insn(struct emitter *emitter, const struct counted_loop *loop, const struct insn *insn)
{
    struct image_draft *draft = emitter->draft;
    struct image_place *place = draft_add(draft, &draft->places);
    uint32_t field = 0;
    if (place)
        *place = (struct image_place){draft_offset(draft), (uint32_t)insn->address};
    check_before(draft, &emitter->stubs, insn);
    bool is_within = insn->target_index >= loop->first && insn->target_index <= loop->last;
    if (insn->role != ROLE_PLAIN && is_within)
        field = relocate_branch(draft, insn);
    else
        emitter_copy(emitter, insn);
    if (insn->role == ROLE_PLAIN)
        check_after(draft, &emitter->stubs, insn, insn[1].live);
    return field;
}

/* The checks of its runs have been made. */
static void emit_rounds(struct emitter *emitter, const struct counted_loop *loop, struct insn *insns, uint32_t *starts,
                        uint32_t *fields)
{
    struct image_draft *draft = emitter->draft;
    uint32_t count = loop->last - loop->first + 1;
    for (uint32_t i = 0; i < count; i++) {
        insns[i] = emitter->function->insns[loop->first + i];
        for (size_t k = 0; k < insns[i].access_count; k++)
            insns[i].access[k].is_redundant |= insns[i].access[k].is_run;
    }
    insns[count] = emitter->function->insns[loop->last + 1]; /* what is live behind */
    for (uint32_t i = 0; i < count; i++) {
        starts[i] = draft_offset(draft);
        fields[i] = emit_round_insn(emitter, loop, &insns[i]);
    }
    emitter_lead_to(emitter, relocate_jump(draft), insns[count - 1].address + insns[count - 1].length);
    for (uint32_t i = 0; i < count; i++)
        if (fields[i] != 0)
            draft_set_u32(draft, fields[i], starts[insns[i].target_index - loop->first] - (fields[i] + 4));
    check_flush_stubs(draft, &emitter->stubs);
}

static void emit_loop(struct emitter *emitter, size_t index)
{
    struct image_draft *draft = emitter->draft;
    const struct counted_loop *loop = &emitter->function->loops[index];
    uint32_t count = loop->last - loop->first + 1;
    struct insn *insns = calloc(count + 1, sizeof *insns);
    uint32_t *places = calloc(count, 2 * sizeof *places);
    uint64_t counts[IMAGE_COUNTS];
    memcpy(counts, draft->counts, sizeof counts);
    encode_jump_end(draft, emitter->loops[index].jump);
    if (insns && places)
        emit_rounds(emitter, loop, insns, places, places + count);
    else
        draft->has_failed = true;
    memcpy(draft->counts, counts, sizeof counts); /* they are of the form with all checks */
    free(insns);
    free(places);
}

void emit_loops_checked(struct emitter *emitter)
{
    for (size_t i = 0; i < emitter->loop_count; i++)
        emit_loop(emitter, i);
}
