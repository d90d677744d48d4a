/* emit.c: the clone of one function. */
#include "weaver/emit.h"

#include <stdlib.h>

#include "weaver/emitter.h"
#include "weaver/passes.h"
#include "weaver/plane.h"
#include "weaver/relocate.h"
#include "weaver/system_call.h"

enum {
    FUNCTION_ALIGNMENT = 16,
    OPCODE_MOV_BYTE_IMMEDIATE = 0xc6,
    OPCODE_MOV_IMMEDIATE = 0xc7,
    OPCODE_CALL_MEMORY = 0xff,
    CALL_FIELD = 2
};

const char *emit_refusal(const struct function *function)
{
    if (function->refusal)
        return function->refusal;
    for (size_t i = 0; i < function->insn_count; i++) {
        const struct insn *insn = &function->insns[i];
        const char *refusal = relocate_refusal(insn);
        bool is_branch = insn->role == ROLE_JUMP || insn->role == ROLE_BRANCH;
        if (refusal)
            return refusal;
        if (is_branch && insn->target >= function->range.low && insn->target < function->range.high &&
            function_find(function, insn->target) == FUNCTION_NONE)
            return "a branch into the middle of an instruction";
        if (insn->decoded.mnemonic == ZYDIS_MNEMONIC_STD)
            return "it sets the direction flag, which routines must find clear";
    }
    return NULL;
}

static uint8_t entry_kinds_of(const struct emitter *emitter, const struct insn *insn)
{
    return insn->is_entry ? emitter->module->entry_kinds[insn->address - emitter->module->text_low] : 0;
}

void emitter_lead_to(struct emitter *emitter, uint32_t field, uint64_t address)
{
    struct image_draft *draft = emitter->draft;
    uint32_t target = function_find(emitter->function, address);
    if (target != FUNCTION_NONE) {
        struct local_branch *branch = draft_add(draft, &emitter->branches);
        if (branch)
            *branch = (struct local_branch){field, target};
        return;
    }
    struct draft_branch *branch = draft_add(draft, &draft->branches);
    if (branch)
        *branch = (struct draft_branch){address, field};
}

/* The library is told of the call, and falls into what follows or calls it. */
static void emit_gate(struct emitter *emitter)
{
    struct image_draft *draft = emitter->draft;
    emitter->gate = draft_offset(draft);
    if (emitter->gate_kind == IMAGE_GATE_NONE)
        return;
    struct image_place *place = draft_add(draft, &draft->places);
    struct image_gate *gate = draft_add(draft, &draft->gates);
    if (place)
        *place = (struct image_place){draft_offset(draft), (uint32_t)emitter->function->insns[0].address};
    encode_field(draft, 0, OPCODE_CALL_MEMORY, CALL_FIELD, PLANE_ROUTINE(PLANE_GATE), 0);
    if (gate)
        *gate = (struct image_gate){draft_offset(draft), emitter->gate_kind};
    if ((emitter->plan.states[0] & PATCH_KIND) != PATCH_TAKEN && emitter->gate_kind != IMAGE_GATE_INSIDE)
        draft->counts[IMAGE_GATES_LEFT]++;
}

static void add_patch(struct emitter *emitter, size_t index, uint32_t way_in)
{
    struct image_draft *draft = emitter->draft;
    uint32_t address = (uint32_t)emitter->function->insns[index].address;
    if ((emitter->plan.states[index] & PATCH_KIND) == PATCH_TAKEN) {
        struct image_entry *entry = draft_add(draft, &draft->entries);
        if (entry)
            *entry = (struct image_entry){address, way_in};
    } else if ((emitter->plan.states[index] & PATCH_KIND) == PATCH_HOP) {
        struct image_hop *hop = draft_add(draft, &draft->hops);
        struct image_pad *pad = draft_add(draft, &draft->pads);
        if (hop && pad) {
            *hop = (struct image_hop){address, emitter->plan.pads[index]};
            *pad = (struct image_pad){emitter->plan.pads[index], way_in, address};
        }
    }
}

/* The callers are others from here on. */
static void emit_changed(struct image_draft *draft)
{
    encode_field(draft, 0, OPCODE_MOV_BYTE_IMMEDIATE, 0, PLANE_CONTEXT_CHANGED, 1);
    draft_byte(draft, 1);
}

/* The same at the start of a function, which stands where the stack pointer is. */
static void emit_entered(struct image_draft *draft, const struct insn *insn)
{
    if ((insn->live & REGISTER_FLAGS) != 0) {
        encode_field(draft, ENCODE_64, OPCODE_MOV_IMMEDIATE, 0, PLANE_ENTERED, sizeof(uint32_t));
        draft_u32(draft, UINT32_MAX); /* extended by its sign */
        emit_changed(draft);
        return;
    }
    draft_bytes(draft, PLANE_ENTERED_COMPARE, sizeof PLANE_ENTERED_COMPARE - 1);
    draft_u32(draft, (uint32_t)PLANE_ENTERED);
    uint32_t is_told = encode_jump_on(draft, CONDITION_NOT_ABOVE);
    encode_store(draft, ENCODE_RSP, PLANE_ENTERED);
    emit_changed(draft);
    encode_jump_end(draft, is_told);
}

static void emit_begin(struct emitter *emitter, size_t index)
{
    struct image_draft *draft = emitter->draft;
    const struct insn *insn = &emitter->function->insns[index];
    struct image_place *place = draft_add(draft, &draft->places);
    struct draft_clone *clone = draft_add(draft, &draft->clones);
    emitter->starts[index] = draft_offset(draft);
    uint32_t way_in = index == 0 ? emitter->gate : draft_offset(draft);
    if (place)
        *place = (struct image_place){draft_offset(draft), (uint32_t)insn->address};
    if (clone)
        *clone = (struct draft_clone){insn->address, way_in};
    add_patch(emitter, index, way_in);
    bool is_behind_entry = (emitter->plan.states[index] & PATCH_KIND) == PATCH_TAKEN && !insn->is_entry;
    uint8_t kinds = entry_kinds_of(emitter, insn);
    if (kinds & (ENTRY_FUNCTION | ENTRY_CALLED))
        emit_entered(draft, insn);
    else if (is_behind_entry || (kinds & (ENTRY_AFTER_CALL | ENTRY_LANDING_PAD)))
        emit_changed(draft);
}

void emitter_copy(struct emitter *emitter, const struct insn *insn)
{
    struct image_draft *draft = emitter->draft;
    switch ((enum insn_role)insn->role) {
    case ROLE_CALL: {
        uint32_t field = relocate_jump(draft);
        draft_refer(draft, field, field + 4, insn->address);
        break;
    }
    case ROLE_JUMP:
    case ROLE_BRANCH:
        emitter_lead_to(emitter, relocate_branch(draft, insn), insn->target);
        break;
    case ROLE_PLAIN:
        if (system_call_is(insn))
            system_call_emit(draft);
        else
            relocate_copy(draft, emitter->module, insn);
        break;
    case ROLE_RETURN:
    case ROLE_INDIRECT_JUMP:
    case ROLE_TRAP:
        relocate_copy(draft, emitter->module, insn);
        break;
    }
}

static void emit_insn(struct emitter *emitter, size_t index)
{
    const struct function *function = emitter->function;
    const struct insn *insn = &function->insns[index];
    const struct insn *next = index + 1 < function->insn_count ? insn + 1 : NULL;
    emit_begin(emitter, index);
    emit_loop_begin(emitter, index);
    check_before(emitter->draft, &emitter->stubs, insn);
    if (!emit_loop_end(emitter, index))
        emitter_copy(emitter, insn);
    if (insn->role != ROLE_PLAIN && insn->role != ROLE_BRANCH)
        return;
    uint64_t end = insn->address + insn->length;
    bool goes_on = next && next->address == end;
    check_after(emitter->draft, &emitter->stubs, insn, goes_on ? next->live : ~(register_set)0);
    if (!goes_on)
        emitter_lead_to(emitter, relocate_jump(emitter->draft), end);
}

static void settle_local(struct emitter *emitter)
{
    const struct local_branch *branches = emitter->branches.data;
    for (size_t i = 0; i < emitter->branches.count; i++) {
        uint32_t field = branches[i].field;
        draft_set_u32(emitter->draft, field, emitter->starts[branches[i].target] - (field + 4));
    }
}

/* Counts what the entries that could not be patched cost. */
static void count_left(struct emitter *emitter)
{
    uint32_t accesses = 0;
    for (size_t i = 0; i < emitter->function->insn_count; i++)
        if (emitter->plan.states[i] & PATCH_ORIGINAL)
            accesses += emitter->function->insns[i].access_count;
    if (accesses) {
        emitter->draft->counts[IMAGE_LEFT_ACCESSES] += accesses;
        draft_leave(emitter->draft, emitter->function->range.low, accesses, emitter->function->name,
                    "behind an entry that is too short for a jump");
    }
}

void emit_function(struct image_draft *draft, const struct elf_module *module, const struct function *function,
                   enum image_gate_kind gate)
{
    struct emitter emitter = {.draft = draft, .module = module, .function = function, .gate_kind = gate};
    emitter.branches.width = sizeof(struct local_branch);
    bool has_plan = patches_choose(&emitter.plan, module, function, draft);
    emitter.starts = calloc(function->insn_count + 1, sizeof *emitter.starts);
    emitter.loops = calloc(function->loop_count + 1, sizeof *emitter.loops);
    check_stubs_begin(&emitter.stubs);
    if (has_plan && emitter.starts && emitter.loops) {
        draft_align(draft, FUNCTION_ALIGNMENT);
        emit_gate(&emitter);
        for (size_t i = 0; i < function->insn_count; i++)
            emit_insn(&emitter, i);
        check_flush_stubs(draft, &emitter.stubs);
        emit_loops_checked(&emitter);
        settle_local(&emitter);
        count_left(&emitter);
    } else {
        draft->has_failed = true;
    }
    check_stubs_end(&emitter.stubs);
    free(emitter.branches.data);
    patches_free(&emitter.plan);
    free(emitter.starts);
    free(emitter.loops);
}
