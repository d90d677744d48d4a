/* symbol_table.h: the symbols of one module, sorted, so that the one that covers an address is found without a walk.
 *
 * Model:     a symbol covers the bytes from its begin on, as many as its size.  Of several that cover an address the one that begins
 *            nearest counts; of those the one that other files see (global, then weak), then the smallest, then the first.
 * Invariant: reach[i] is the largest end among symbols[0..i]; where it does not pass an address, none of these covers it.
 * Cost:      one sort; then a binary search and a step for each symbol that begins nearer and does not cover.
 */
#ifndef LOCKHOUND_REPORT_SYMBOL_TABLE_H
#define LOCKHOUND_REPORT_SYMBOL_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct symbol {
    uint64_t begin, size; /* size > 0 */
    const char *name;     /* whoever adds it keeps it */
    unsigned rank;        /* larger is preferred among those that begin at one place */
    uint32_t order;       /* the table's own: when it was added */
};

struct symbol_table {
    struct symbol *symbols;
    uint64_t *reach; /* NULL until sorted */
    size_t count, capacity;
};

void symbol_table_add(struct symbol_table *table, struct symbol symbol);
/* To be called once, after the last symbol was added. */
void symbol_table_sort(struct symbol_table *table);
/* Returns: the symbol that covers `address`, or NULL. */
const struct symbol *symbol_table_find(const struct symbol_table *table, uint64_t address);
void symbol_table_free(struct symbol_table *table);

#endif
