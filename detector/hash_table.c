#include "detector/hash_table.h"

struct hash_slot {
    uint64_t hash;
    void *item; /* NULL: free */
};

enum { FIRST_CAPACITY = 64 };

void hash_table_init(struct hash_table *table, const struct detector_host *host)
{
    *table = (struct hash_table){.host = host};
}

void hash_table_release(struct hash_table *table)
{
    if (table->slots)
        table->host->free(table->host->ctx, table->slots, table->capacity * sizeof *table->slots);
    table->slots = NULL;
    table->capacity = table->count = 0;
}

void *hash_table_find(const struct hash_table *table, uint64_t hash, hash_match *match, const void *key)
{
    if (!table->capacity)
        return NULL;
    size_t mask = table->capacity - 1;
    for (size_t i = hash & mask; table->slots[i].item; i = (i + 1) & mask)
        if (table->slots[i].hash == hash && (!match || match(table->slots[i].item, key)))
            return table->slots[i].item;
    return NULL;
}

static void place(struct hash_table *table, uint64_t hash, void *item)
{
    size_t mask = table->capacity - 1;
    size_t i = hash & mask;
    while (table->slots[i].item)
        i = (i + 1) & mask;
    table->slots[i] = (struct hash_slot){hash, item};
}

static bool grow(struct hash_table *table)
{
    struct hash_table larger = *table;
    larger.capacity = table->capacity ? table->capacity * 2 : FIRST_CAPACITY;
    larger.slots = table->host->alloc(table->host->ctx, larger.capacity * sizeof *larger.slots);
    if (!larger.slots)
        return false;
    for (size_t i = 0; i < table->capacity; i++)
        if (table->slots[i].item)
            place(&larger, table->slots[i].hash, table->slots[i].item);
    hash_table_release(table);
    *table = larger;
    return true;
}

bool hash_table_insert(struct hash_table *table, uint64_t hash, void *item)
{
    if ((table->count + 1) * 4 > table->capacity * 3 && !grow(table))
        return false;
    place(table, hash, item);
    table->count++;
    return true;
}

/* Closes the gap at `hole`: each later item of the run that may live there moves into it. */
static void close_gap(struct hash_table *table, size_t hole)
{
    size_t mask = table->capacity - 1;
    for (size_t i = (hole + 1) & mask; table->slots[i].item; i = (i + 1) & mask) {
        size_t home = table->slots[i].hash & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            table->slots[hole] = table->slots[i];
            hole = i;
        }
    }
    table->slots[hole].item = NULL;
}

void hash_table_remove(struct hash_table *table, uint64_t hash, const void *item)
{
    if (!table->capacity)
        return;
    size_t mask = table->capacity - 1;
    for (size_t i = hash & mask; table->slots[i].item; i = (i + 1) & mask) {
        if (table->slots[i].item == item && table->slots[i].hash == hash) {
            close_gap(table, i);
            table->count--;
            return;
        }
    }
}

void hash_table_visit(const struct hash_table *table, void (*visit)(void *ctx, void *item), void *ctx)
{
    for (size_t i = 0; i < table->capacity; i++)
        if (table->slots[i].item)
            visit(ctx, table->slots[i].item);
}
