/* patches.c: which entries of a function can take the 5-byte jump to the clone. */
#include "weaver/patches.h"

#include <stdlib.h>

#include "weaver/holes.h"
#include "weaver/passes.h"
#include "weaver/sorted.h"

static bool holds_entry(const struct elf_module *module, uint64_t low, uint64_t high)
{
    for (uint64_t address = low; address < high; address++)
        if (address < module->text_low || address >= module->text_high ||
            module->entry_kinds[address - module->text_low])
            return true;
    return false;
}

static bool holds_function(const struct elf_module *module, uint64_t low, uint64_t high)
{
    size_t first = SORTED_UP_TO(module->functions, module->function_count, high, low);
    return first < module->function_count && module->functions[first].low < high;
}

/* Padding: bytes that only fill up, and belong to no function. */
static bool is_padding(const struct elf_module *module, const struct function *function, uint64_t low, uint64_t high)
{
    const uint8_t *bytes = elf_bytes_at(module, low, high - low);
    ZydisDecoder decoder;
    ZydisDecodedInstruction decoded;
    uint64_t beyond = low > function->range.high ? low : function->range.high;
    if (!bytes || (high > beyond && holds_function(module, beyond, high)) ||
        ZYAN_FAILED(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)))
        return false;
    uint64_t address = low;
    while (address < high) {
        const uint8_t *code = NULL;
        size_t size = 15;
        while (size && !(code = elf_bytes_at(module, address, size)))
            size--;
        if (!size || ZYAN_FAILED(ZydisDecoderDecodeInstruction(&decoder, NULL, code, size, &decoded)) ||
            (decoded.mnemonic != ZYDIS_MNEMONIC_NOP && decoded.mnemonic != ZYDIS_MNEMONIC_INT3))
            return false;
        address += decoded.length;
    }
    return true;
}

static bool is_patchable(const struct elf_module *module, const struct function *function, size_t index)
{
    uint64_t start = function->insns[index].address, end = start + IMAGE_JUMP, covered = start;
    if (holds_entry(module, start + 1, end))
        return false;
    for (size_t i = index; i < function->insn_count && covered < end; i++) {
        const struct insn *insn = &function->insns[i];
        if (insn->role == ROLE_CALL || insn->address != covered)
            return false;
        covered += insn->length;
    }
    return covered >= end || is_padding(module, function, covered, end);
}

/* Returns: whether the entry can take a short jump. */
static bool may_hop(const struct elf_module *module, const struct function *function, size_t index)
{
    uint64_t start = function->insns[index].address, covered = start;
    if (holds_entry(module, start + 1, start + IMAGE_SHORT_JUMP))
        return false;
    for (size_t i = index; i < function->insn_count && covered < start + IMAGE_SHORT_JUMP; i++) {
        const struct insn *insn = &function->insns[i];
        if (insn->role == ROLE_CALL || insn->address != covered)
            return false;
        covered += insn->length;
    }
    return covered >= start + IMAGE_SHORT_JUMP;
}

static uint64_t size_of_patch(uint8_t state)
{
    switch (state & PATCH_KIND) {
    case PATCH_TAKEN:
        return IMAGE_JUMP;
    case PATCH_HOP:
        return IMAGE_SHORT_JUMP;
    default:
        return 0;
    }
}

/* Patches that hold `target`, but do not begin there, are given up.  Returns: whether there was one. */
static bool give_up_around(const struct function *function, uint8_t *states, size_t target)
{
    bool gave_up = false;
    for (size_t i = target; i-- > 0 && function->insns[target].address - function->insns[i].address < IMAGE_JUMP;) {
        if (function->insns[target].address - function->insns[i].address < size_of_patch(states[i])) {
            states[i] = PATCH_LEFT;
            gave_up = true;
        }
    }
    return gave_up;
}

struct walk {
    const struct elf_module *module;
    const struct function *function;
    uint8_t *states;
    const uint32_t *pads;
    size_t *pending; /* indexes of instructions, each at most once */
    size_t count;
    bool gave_up;
};

/* Returns: true when a jump at `index` would cover a hole that an entry hops to. */
static bool covers_pad(const struct walk *walk, size_t index)
{
    uint64_t address = walk->function->insns[index].address;
    for (size_t i = 0; i < walk->function->insn_count; i++)
        if ((walk->states[i] & PATCH_KIND) == PATCH_HOP && walk->pads[i] < address + IMAGE_JUMP &&
            address < walk->pads[i] + IMAGE_JUMP)
            return true;
    return false;
}

/* Returns: true when a jump at `index` would cover an instruction that original code still runs, or another jump. */
static bool covers_another(const struct walk *walk, size_t index)
{
    const struct insn *insns = walk->function->insns;
    for (size_t i = index + 1; i < walk->function->insn_count && insns[i].address - insns[index].address < IMAGE_JUMP;
         i++)
        if (walk->states[i] != PATCH_NONE)
            return true;
    return covers_pad(walk, index);
}

/* Original code that runs unwoven misses accesses, which loses races, and atomic operations, which makes some up: control is
 * led to the clone at the first instruction that can take the jump. */
static void walk_to(struct walk *walk, size_t index)
{
    if (index < walk->function->insn_count && walk->states[index] == PATCH_NONE &&
        is_patchable(walk->module, walk->function, index) && !covers_another(walk, index)) {
        walk->states[index] = PATCH_TAKEN;
        return;
    }
    if (index < walk->function->insn_count && size_of_patch(walk->states[index]) == 0 &&
        !(walk->states[index] & PATCH_ORIGINAL)) {
        walk->states[index] |= PATCH_ORIGINAL;
        walk->pending[walk->count++] = index;
    }
}

static void walk_on(struct walk *walk, size_t index)
{
    const struct insn *insn = &walk->function->insns[index];
    if (insn->role == ROLE_JUMP || insn->role == ROLE_BRANCH) {
        uint32_t target = function_find(walk->function, insn->target);
        if (target != FUNCTION_NONE) {
            walk->gave_up |= give_up_around(walk->function, walk->states, target);
            walk_to(walk, target);
        }
    }
    if (insn->role == ROLE_PLAIN || insn->role == ROLE_BRANCH)
        walk_to(walk, index + 1);
}

/* Follows the original code from the entries that are left.  Giving up a patch opens more code: until nothing changes. */
static void follow_original(struct walk *walk)
{
    do {
        walk->gave_up = false;
        for (size_t i = 0; i < walk->function->insn_count; i++)
            if ((walk->states[i] & PATCH_KIND) == PATCH_LEFT)
                walk_to(walk, i);
        while (walk->count)
            walk_on(walk, walk->pending[--walk->count]);
    } while (walk->gave_up);
}

static void choose(struct patch_plan *plan, const struct elf_module *module, const struct function *function,
                   const struct image_draft *draft)
{
    for (size_t i = 0; i < function->insn_count; i++)
        if (function->insns[i].is_entry)
            plan->states[i] = is_patchable(module, function, i) ? PATCH_TAKEN : PATCH_LEFT;
    for (size_t i = 0; i < function->insn_count; i++) {
        uint64_t hole = plan->states[i] == PATCH_LEFT && may_hop(module, function, i)
                            ? hole_find(module, function, draft, plan, i)
                            : 0;
        if (hole) {
            plan->states[i] = PATCH_HOP;
            plan->pads[i] = (uint32_t)hole;
        }
    }
}

bool patches_choose(struct patch_plan *plan, const struct elf_module *module, const struct function *function,
                    const struct image_draft *draft)
{
    size_t count = function->insn_count + 1;
    *plan = (struct patch_plan){calloc(count, 1), calloc(count, sizeof(uint32_t))};
    struct walk walk = {module, function, plan->states, plan->pads, calloc(count, sizeof(size_t)), 0, false};
    bool is_chosen = plan->states && plan->pads && walk.pending;
    if (is_chosen) {
        choose(plan, module, function, draft);
        follow_original(&walk);
    }
    free(walk.pending);
    return is_chosen;
}

void patches_free(struct patch_plan *plan)
{
    free(plan->states);
    free(plan->pads);
}
