/* holes.c: bytes near a function that nobody ever runs. */
#include "weaver/holes.h"

#include "weaver/passes.h"

/* NEAR: patches of other functions that may lie near are among so many last ones. */
enum { BACKWARD = 128, FORWARD = 127, NEAR = 64, AROUND = BACKWARD + FORWARD };

struct search {
    const struct elf_module *module;
    const struct function *function;
    const struct image_draft *draft;
    const struct patch_plan *plan;
    uint64_t low, high; /* what is in reach */
    size_t first, last; /* instructions that may have a patch or a hole there */
    uint64_t found;     /* 0: none */
};

static bool overlaps(uint64_t low, uint64_t size, uint64_t at)
{
    return low < at + IMAGE_JUMP && at < low + size;
}

/* Returns: whether a patch of a function before holds one of the bytes of a jump at `at`. */
static bool is_patched_before(const struct search *search, uint64_t at)
{
    const struct draft_array *entries = &search->draft->entries, *pads = &search->draft->pads;
    const struct image_entry *entry = entries->data;
    const struct image_pad *pad = pads->data;
    for (size_t i = entries->count > NEAR ? entries->count - NEAR : 0; i < entries->count; i++)
        if (overlaps(entry[i].module, IMAGE_JUMP, at))
            return true;
    for (size_t i = pads->count > NEAR ? pads->count - NEAR : 0; i < pads->count; i++)
        if (overlaps(pad[i].module, IMAGE_JUMP, at))
            return true;
    return false;
}

/* The same of this function. */
static bool is_patched_here(const struct search *search, uint64_t at)
{
    const struct function *function = search->function;
    const uint8_t *states = search->plan->states;
    for (size_t i = search->first; i < search->last; i++) {
        uint64_t address = function->insns[i].address;
        bool is_taken = (states[i] & PATCH_KIND) == PATCH_TAKEN, hops = (states[i] & PATCH_KIND) == PATCH_HOP;
        if ((is_taken && overlaps(address, IMAGE_JUMP, at)) || (hops && overlaps(address, IMAGE_SHORT_JUMP, at)) ||
            (hops && overlaps(search->plan->pads[i], IMAGE_JUMP, at)))
            return true;
    }
    return false;
}

static void try_hole(struct search *search, uint64_t low, uint64_t high)
{
    uint64_t at = low > search->low ? low : search->low, end = high < search->high ? high : search->high;
    for (; !search->found && at + IMAGE_JUMP <= end; at++)
        if (!is_patched_before(search, at) && !is_patched_here(search, at))
            search->found = at;
}

/* ---- between functions ---------------------------------------------------------------------------------------------- */

/* Returns: whether nothing but filling stands there, and nothing refers to it. */
static bool is_filling(const struct elf_module *module, uint64_t low, uint64_t high)
{
    ZydisDecoder decoder;
    ZydisDecodedInstruction decoded;
    const uint8_t *bytes = low < high ? elf_bytes_at(module, low, high - low) : NULL;
    if (!bytes || ZYAN_FAILED(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)))
        return false;
    for (uint64_t at = low; at < high; at += decoded.length)
        if (ZYAN_FAILED(ZydisDecoderDecodeInstruction(&decoder, NULL, bytes + (at - low), high - at, &decoded)) ||
            (decoded.mnemonic != ZYDIS_MNEMONIC_NOP && decoded.mnemonic != ZYDIS_MNEMONIC_INT3))
            return false;
    for (uint64_t at = low; at < high; at++)
        if (!elf_is_text(module, at) || module->entry_kinds[at - module->text_low])
            return false;
    return true;
}

static void try_gap(struct search *search, uint64_t low, uint64_t high)
{
    if (high > search->low && low < search->high && is_filling(search->module, low, high))
        try_hole(search, low, high);
}

static void try_neighbours(struct search *search)
{
    const struct elf_module *module = search->module;
    const struct function *function = search->function;
    size_t index = function_at(module, function->range.low);
    const struct insn *last = &function->insns[function->insn_count - 1];
    if (index == SIZE_MAX)
        return;
    bool is_behind_end = index > 0 && search->draft->end && search->draft->end <= module->functions[index - 1].high;
    if (is_behind_end)
        try_gap(search, search->draft->end, function->range.low);
    if (index + 1 < module->function_count && !search->found && !insn_falls_through(last))
        try_gap(search, last->address + last->length, module->functions[index + 1].low);
}

/* ---- inside --------------------------------------------------------------------------------------------------------- */

static bool is_filler(const struct insn *insn)
{
    return !insn->is_join &&
           (insn->decoded.mnemonic == ZYDIS_MNEMONIC_NOP || insn->decoded.mnemonic == ZYDIS_MNEMONIC_INT3);
}

static void try_inside(struct search *search)
{
    const struct function *function = search->function;
    for (size_t i = search->first; i + 1 < search->last && !search->found; i++) {
        const struct insn *insn = &function->insns[i];
        if (insn_falls_through(insn) || insn->role == ROLE_CALL)
            continue;
        uint64_t low = insn->address + insn->length, high = low;
        for (; i + 1 < search->last && is_filler(&function->insns[i + 1]); i++)
            high = function->insns[i + 1].address + function->insns[i + 1].length;
        try_hole(search, low, high);
    }
}

uint64_t hole_find(const struct elf_module *module, const struct function *function, const struct image_draft *draft,
                   const struct patch_plan *plan, size_t index)
{
    uint64_t behind = function->insns[index].address + IMAGE_SHORT_JUMP;
    struct search search = {module, function, draft, plan, behind - BACKWARD, behind + FORWARD + IMAGE_JUMP,
                            index,  index,    0};
    while (search.first && function->insns[search.first - 1].address + AROUND > search.low)
        search.first--;
    while (search.last < function->insn_count && function->insns[search.last].address < search.high + AROUND)
        search.last++;
    try_neighbours(&search);
    /* Filling that a program itself may put code into, to trace it. */
    if (!search.found && !elf_section(module, "xray_instr_map"))
        try_inside(&search);
    return search.found;
}
