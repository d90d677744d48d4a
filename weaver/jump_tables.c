/* jump_tables.c: tables of 32-bit offsets in read-only data, as compilers make them of `switch` and of computed gotos.
 *
 *   lea rT, [rip + table];  movslq rX, [rT + 4 * rI];  add rX, rT;  jmp rX          offsets from the table
 *   the same with another register in the addition, set by lea rB, [rip + label]    offsets from a label
 *
 * A table ends where an offset leads to no instruction.  Tables of whole addresses are found by entries.c, among all words.
 */
#include <stdlib.h>

#include "weaver/entries.h"

static int by_function(const void *left, const void *right)
{
    const struct reference *a = left, *b = right;
    if (a->function != b->function)
        return a->function < b->function ? -1 : 1;
    return a->address < b->address ? -1 : a->address > b->address;
}

/* Returns: the number of entries of the table at `table` when its offsets count from `base`. */
static size_t mark_table(struct elf_module *module, uint64_t table, uint64_t base, const struct function_range *only)
{
    for (size_t i = 0;; i++) {
        const uint8_t *at = elf_bytes_at(module, table + 4 * i, 4);
        if (!at)
            return i;
        struct bytes bytes = {at, at + 4, false};
        uint64_t target = base + (uint64_t)bytes_signed(&bytes, 4);
        if (only && (target < only->low || target >= only->high))
            return i;
        if (!entry_mark(module, target, ENTRY_JUMP_TABLE))
            return i;
    }
}

/* Labels of a function's own whose address it takes may be what the offsets of its tables count from. */
static void mark_labelled(struct elf_module *module, const struct reference *references, size_t count)
{
    const struct function_range *range = &module->functions[references[0].function];
    for (size_t i = 0; i < count; i++) {
        uint64_t label = references[i].address;
        if (label <= range->low || label >= range->high || !entry_is_boundary(module, label))
            continue;
        for (size_t j = 0; j < count; j++)
            if (references[j].address % 4 == 0 && !elf_is_text(module, references[j].address))
                mark_table(module, references[j].address, label, range);
    }
}

void jump_tables_mark(struct entry_scan *scan)
{
    struct elf_module *module = scan->module;
    struct reference *references = scan->references;
    if (scan->count == 0)
        return;
    qsort(references, scan->count, sizeof *references, by_function);
    size_t unique = 0;
    for (size_t i = 0; i < scan->count; i++)
        if (unique == 0 || by_function(&references[i], &references[unique - 1]) != 0)
            references[unique++] = references[i];
    scan->count = unique;
    for (size_t i = 0; i < unique; i++)
        if (references[i].address % 4 == 0 && !elf_is_text(module, references[i].address))
            mark_table(module, references[i].address, references[i].address, NULL);
    for (size_t low = 0, high; low < unique && references[low].function != UINT32_MAX; low = high) {
        for (high = low; high < unique && references[high].function == references[low].function;)
            high++;
        mark_labelled(module, &references[low], high - low);
    }
}
