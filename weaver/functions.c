/* functions.c: where the functions of a module are: what .eh_frame describes, and in between what symbols say.
 *
 * Invariant: ranges ascend and do not overlap; each lies in one executable segment; none is in a PLT.
 */
#include <stdlib.h>
#include <string.h>

#include "weaver/elf_private.h"
#include "weaver/sorted.h"

static int by_low(const void *left, const void *right)
{
    const struct function_range *a = left, *b = right;
    if (a->low != b->low)
        return a->low < b->low ? -1 : 1;
    return a->high > b->high ? -1 : a->high < b->high;
}

bool elf_is_plt(const struct elf_module *module, uint64_t address)
{
    for (size_t i = 0; i < module->own->section_count; i++) {
        const struct section *section = &module->own->sections[i];
        if (strncmp(section->name, ".plt", 4) == 0 && address >= section->address &&
            address - section->address < section->size)
            return true;
    }
    return false;
}

static void add(struct elf_module *module, uint64_t low, uint64_t high, uint32_t fde)
{
    if (low >= high || low < module->text_low || high > module->text_high || !elf_is_text(module, low) ||
        !elf_bytes_at(module, low, high - low) || elf_is_plt(module, low))
        return;
    module->functions[module->function_count++] = (struct function_range){low, high, fde};
}

/* Two that overlap: the first one is cut where the next begins; what begins at the same address is the longer one. */
static void resolve_overlaps(struct elf_module *module)
{
    struct function_range *functions = module->functions;
    size_t kept = 0;
    qsort(functions, module->function_count, sizeof *functions, by_low);
    for (size_t i = 0; i < module->function_count; i++) {
        if (kept && functions[i].low == functions[kept - 1].low)
            continue;
        if (kept && functions[i].low < functions[kept - 1].high)
            functions[kept - 1].high = functions[i].low;
        functions[kept++] = functions[i];
    }
    module->function_count = kept;
}

static void add_symbols_in_holes(struct elf_module *module)
{
    const struct elf_private *own = module->own;
    size_t known = module->function_count, next = 0;
    for (size_t i = 0; i < own->symbol_count; i++) {
        const struct symbol *symbol = &own->symbols[i];
        while (next < known && module->functions[next].high <= symbol->address)
            next++;
        if (symbol->type == STT_NOTYPE || symbol->size == 0)
            continue;
        uint64_t high = symbol->address + symbol->size;
        if (next < known && module->functions[next].low <= symbol->address)
            continue;
        if (next < known && module->functions[next].low < high)
            high = module->functions[next].low;
        add(module, symbol->address, high, UINT32_MAX);
    }
}

bool functions_find(struct elf_module *module)
{
    const struct elf_private *own = module->own;
    module->functions = calloc(own->fde_count + own->symbol_count + 1, sizeof *module->functions);
    if (!module->functions)
        return false;
    for (size_t i = 0; i < own->fde_count; i++)
        add(module, own->fdes[i].low, own->fdes[i].high, (uint32_t)i);
    resolve_overlaps(module);
    add_symbols_in_holes(module);
    resolve_overlaps(module);
    return true;
}

size_t function_at(const struct elf_module *module, uint64_t address)
{
    size_t above = SORTED_UP_TO(module->functions, module->function_count, low, address);
    return above && address < module->functions[above - 1].high ? above - 1 : SIZE_MAX;
}
