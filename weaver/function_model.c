/* function_model.c: one function's model, pass by pass. */
#include <stdlib.h>

#include "weaver/containers.h"
#include "weaver/passes.h"
#include "weaver/sorted.h"

uint32_t function_find(const struct function *function, uint64_t address)
{
    size_t at = SORTED_BELOW(function->insns, function->insn_count, address, address);
    return at < function->insn_count && function->insns[at].address == address ? (uint32_t)at : FUNCTION_NONE;
}

static void find_blocks(const struct elf_module *module, struct function *function)
{
    for (size_t i = 0; i < function->insn_count; i++) {
        struct insn *insn = &function->insns[i];
        uint8_t kinds = module->entry_kinds[insn->address - module->text_low];
        insn->is_entry = kinds != 0;
        insn->is_join |= insn->is_entry;
        if (i == 0 || insn->is_entry || function->insns[i - 1].role != ROLE_PLAIN)
            insn->is_block_start = true;
        if (insn->role != ROLE_JUMP && insn->role != ROLE_BRANCH)
            continue;
        if (insn->target < function->range.low || insn->target >= function->range.high)
            continue;
        uint32_t target = function_find(function, insn->target);
        insn->target_index = target;
        if (target != FUNCTION_NONE)
            function->insns[target].is_block_start = function->insns[target].is_join = true;
        else if (!function->refusal)
            function->refusal = "jumps into the middle of an instruction";
    }
}

/* The red zone is used when something is reached below RSP, or below RBP, which may be equal to it. */
static bool reaches_red_zone(const struct insn *insn)
{
    for (size_t i = 0; i < insn->decoded.operand_count_visible; i++) {
        const ZydisDecodedOperand *operand = &insn->operands[i];
        if (operand->type != ZYDIS_OPERAND_TYPE_MEMORY)
            continue;
        bool is_frame = operand->mem.base == ZYDIS_REGISTER_RSP || operand->mem.base == ZYDIS_REGISTER_RBP;
        if (is_frame && (operand->mem.disp.value < 0 || operand->mem.index != ZYDIS_REGISTER_NONE))
            return true;
    }
    return false;
}

static void find_red_zone(struct function *function)
{
    for (size_t i = 0; i < function->insn_count && !function->uses_red_zone; i++)
        function->uses_red_zone = reaches_red_zone(&function->insns[i]);
}

bool function_model_make(const struct elf_module *module, size_t index, struct function *function)
{
    *function = (struct function){.range = module->functions[index]};
    function->name = symbol_name_at(module, function->range.low);
    function->is_of_container = container_has_function(function->name);
    bool is_made = decode_function(module, function);
    if (is_made) {
        find_blocks(module, function);
        find_red_zone(function);
        cfi_apply(module, function);
        accesses_find(module, function);
        spin_loops_find(module, function);
        atomic_moves_mark(module, function);
        decisions_mark(function);
        table_stores_mark(module, function);
        is_made = liveness_find(function);
        wide_loads_narrow(function);
        vector_loads_narrow(module, function);
        additions_find(function);
        early_loads_find(function);
        vector_choices_find(module, function);
        accesses_find_redundant(function);
        untold_find(function);
        is_made = is_made && counted_loops_find(function);
    }
    if (!is_made)
        function_model_free(function);
    return is_made;
}

void function_model_free(struct function *function)
{
    free(function->insns);
    free(function->loops);
    *function = (struct function){0};
}
