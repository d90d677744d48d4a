/* jump_tables.c: tables of 32-bit offsets in read-only data, as compilers make them of `switch` and of computed gotos.
 *
 *   lea rT, [rip + table];  movslq rX, [rT + 4 * rI];  add rX, rT;  jmp rX          offsets from the table
 *   the same with another register in the addition, set by lea rB, [rip + label]    offsets from a label
 *
 * A table ends where an offset leads to no instruction, but for a few that lead elsewhere in the text before the next
 * thing in the data that code names: cases that can't happen may lead to the end of the function, and there may be any
 * number of those.  Tables of whole addresses are found by entries.c, among all words.
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

static int by_address(const void *left, const void *right)
{
    const struct reference *a = left, *b = right;
    return a->address < b->address ? -1 : a->address > b->address;
}

enum { STRAY_MOST = 4 };

/* Marks what the table at `table` leads to when its offsets count from `base`; `next` is where something else begins. */
static void mark_table(struct elf_module *module, uint64_t table, uint64_t next, uint64_t base,
                       const struct function_range *only)
{
    size_t stray = 0;
    uint64_t last_stray = 0;
    for (size_t i = 0; stray <= STRAY_MOST; i++) {
        const uint8_t *at = elf_bytes_at(module, table + 4 * i, 4);
        if (!at)
            return;
        struct bytes bytes = {at, at + 4, false};
        uint64_t target = base + (uint64_t)bytes_signed(&bytes, 4);
        bool is_allowed = !only || (target >= only->low && target < only->high);
        if (is_allowed && entry_mark(module, target, ENTRY_JUMP_TABLE))
            stray = 0;
        else if (table + 4 * i >= next || !elf_is_text(module, target))
            return;
        else if (target != last_stray) {
            last_stray = target;
            stray++;
        }
    }
}

static bool may_be_table(const struct elf_module *module, const struct reference *reference)
{
    return reference->address % 4 == 0 && !elf_is_text(module, reference->address);
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
            if (may_be_table(module, &references[j]))
                mark_table(module, references[j].address, references[j].address, label, range);
    }
}

/* Sorts and keeps one of each. */
static void sort(struct entry_scan *scan, int (*compare)(const void *, const void *))
{
    size_t unique = 0;
    qsort(scan->references, scan->count, sizeof *scan->references, compare);
    for (size_t i = 0; i < scan->count; i++)
        if (unique == 0 || compare(&scan->references[i], &scan->references[unique - 1]) != 0)
            scan->references[unique++] = scan->references[i];
    scan->count = unique;
}

void jump_tables_mark(struct entry_scan *scan)
{
    struct elf_module *module = scan->module;
    struct reference *references = scan->references;
    if (scan->count == 0)
        return;
    sort(scan, by_function);
    for (size_t low = 0, high; low < scan->count && references[low].function != UINT32_MAX; low = high) {
        for (high = low; high < scan->count && references[high].function == references[low].function;)
            high++;
        mark_labelled(module, &references[low], high - low);
    }
    sort(scan, by_address);
    for (size_t i = 0; i < scan->count; i++) {
        uint64_t next = i + 1 < scan->count ? references[i + 1].address : UINT64_MAX;
        if (may_be_table(module, &references[i]))
            mark_table(module, references[i].address, next, references[i].address, NULL);
    }
}
