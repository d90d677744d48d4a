#include "report/symbol_table.h"

#include <stdlib.h>

#include "report/memory.h"
#include "weaver/sorted.h"

#define FIRST_CAPACITY 1024

void symbol_table_add(struct symbol_table *table, struct symbol symbol)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity ? table->capacity * 2 : FIRST_CAPACITY;
        table->symbols = memory_grow(table->symbols, table->capacity, sizeof *table->symbols);
    }
    symbol.order = (uint32_t)table->count;
    table->symbols[table->count++] = symbol;
}

/* The preferred one of two that begin at one place comes last: the search goes backwards. */
static int compare_symbols(const void *a, const void *b)
{
    const struct symbol *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return x->order > y->order ? -1 : 1;
}

/* Where the addresses of a table go: offset >> shift is the number of a bucket. */
struct buckets {
    uint64_t lowest;
    unsigned shift;
    size_t *ends; /* ends[i + 1]: the index behind the last symbol of bucket i */
};

/* Returns: as many buckets as symbols, where nothing was put in yet: ends[i + 1] is where bucket i begins. */
static struct buckets make_buckets(const struct symbol_table *table, struct pool *pool)
{
    struct buckets b = {.lowest = UINT64_MAX, .ends = pool_array(pool, table->count + 2, sizeof *b.ends)};
    uint64_t highest = 0;
    for (size_t i = 0; i < table->count; i++) {
        uint64_t begin = table->symbols[i].begin;
        b.lowest = begin < b.lowest ? begin : b.lowest;
        highest = begin > highest ? begin : highest;
    }
    while ((highest - b.lowest) >> b.shift >= table->count)
        b.shift++;
    for (size_t i = 0; i < table->count; i++)
        b.ends[((table->symbols[i].begin - b.lowest) >> b.shift) + 2]++;
    for (size_t i = 2; i < table->count + 2; i++)
        b.ends[i] += b.ends[i - 1];
    return b;
}

/* First into buckets by address, which leaves little to compare. */
static void sort_symbols(struct symbol_table *table)
{
    struct pool pool = {0};
    struct buckets b = make_buckets(table, &pool);
    struct symbol *sorted = memory_grow(NULL, table->count, sizeof *sorted);
    for (size_t i = 0; i < table->count; i++)
        sorted[b.ends[((table->symbols[i].begin - b.lowest) >> b.shift) + 1]++] = table->symbols[i];
    for (size_t i = 0; i < table->count; i++) {
        size_t size = b.ends[i + 1] - b.ends[i];
        if (size > 1)
            qsort(sorted + b.ends[i], size, sizeof *sorted, compare_symbols);
    }
    free(table->symbols);
    table->symbols = sorted;
    table->capacity = table->count;
    pool_free(&pool);
}

void symbol_table_sort(struct symbol_table *table)
{
    uint64_t reach = 0;
    if (!table->count)
        return;
    sort_symbols(table);
    table->reach = memory_grow(NULL, table->count, sizeof *table->reach);
    for (size_t i = 0; i < table->count; i++) {
        const struct symbol *symbol = &table->symbols[i];
        uint64_t end = symbol->size > UINT64_MAX - symbol->begin ? UINT64_MAX : symbol->begin + symbol->size;
        reach = end > reach ? end : reach;
        table->reach[i] = reach;
    }
}

const struct symbol *symbol_table_find(const struct symbol_table *table, uint64_t address)
{
    size_t above = SORTED_UP_TO(table->symbols, table->count, begin, address);
    while (above > 0 && table->reach[above - 1] > address) {
        const struct symbol *symbol = &table->symbols[--above];
        if (address - symbol->begin < symbol->size)
            return symbol;
    }
    return NULL;
}

void symbol_table_free(struct symbol_table *table)
{
    free(table->symbols);
    free(table->reach);
    *table = (struct symbol_table){0};
}
