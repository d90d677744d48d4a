#include "preload/interning.h"

#include <stdatomic.h>

#include "preload/arena.h"
#include "preload/ranks.h"

enum { FIRST_BUCKETS = 1024, SEGMENT_ITEMS = 1 << INTERNING_SEGMENT_SHIFT };

static bool grow_buckets(struct interning *table)
{
    uint32_t capacity = table->capacity == 0 ? FIRST_BUCKETS : table->capacity * 2;
    struct interned **buckets = arena_alloc(capacity * sizeof *buckets);
    if (buckets == NULL)
        return false;
    for (uint32_t i = 0; i < table->capacity; i++) {
        if (table->buckets[i] == NULL)
            continue;
        uint32_t at = (uint32_t)table->buckets[i]->hash & (capacity - 1);
        while (buckets[at] != NULL)
            at = (at + 1) & (capacity - 1);
        buckets[at] = table->buckets[i];
    }
    arena_free(table->buckets, table->capacity * sizeof *buckets);
    table->buckets = buckets;
    table->capacity = capacity;
    return true;
}

/* Returns: the bucket that holds this item, or the empty one where it belongs. */
static struct interned **find_bucket(struct interning *table, uint64_t hash, const void *key)
{
    uint32_t at = (uint32_t)hash & (table->capacity - 1);
    while (table->buckets[at] != NULL && !(table->buckets[at]->hash == hash && table->equal(table->buckets[at], key)))
        at = (at + 1) & (table->capacity - 1);
    return &table->buckets[at];
}

/* holds(OWN_RANK_STACKS) */
static struct interning_slot *slot_of(struct interning *table, uint32_t number)
{
    uint32_t segment = number >> INTERNING_SEGMENT_SHIFT;
    if (segment >= INTERNING_SEGMENTS)
        return NULL;
    struct interning_slot *slots = atomic_load_explicit(&table->directory[segment], memory_order_relaxed);
    if (slots == NULL) {
        slots = arena_alloc(SEGMENT_ITEMS * sizeof *slots);
        atomic_store_explicit(&table->directory[segment], slots, memory_order_release); /* pairs with interning_get() */
    }
    return slots == NULL ? NULL : &slots[number & (SEGMENT_ITEMS - 1)];
}

/* holds(OWN_RANK_STACKS) */
static struct interned *insert(struct interning *table, struct interned **bucket, uint64_t hash, const void *key)
{
    uint32_t number = interning_count(table) + 1;
    struct interning_slot *slot = slot_of(table, number);
    struct interned *item = slot == NULL ? NULL : table->make(key);
    if (item == NULL)
        return NULL;
    item->hash = hash;
    item->number = number;
    atomic_store_explicit(&slot->item, item, memory_order_release); /* pairs with interning_get() */
    atomic_store_explicit(&table->count, number, memory_order_relaxed);
    *bucket = item;
    return item;
}

const struct interned *interning_find_or_add(struct interning *table, uint64_t hash, const void *key)
{
    const struct interned *item = NULL;
    rank_enter(OWN_RANK_STACKS);
    if ((interning_count(table) + 1) * 3 <= table->capacity * 2 || grow_buckets(table)) {
        struct interned **bucket = find_bucket(table, hash, key);
        item = *bucket != NULL ? *bucket : insert(table, bucket, hash, key);
    }
    rank_leave(OWN_RANK_STACKS);
    return item;
}

const struct interned *interning_get(struct interning *table, uintptr_t number)
{
    if (number == 0 || number >> INTERNING_SEGMENT_SHIFT >= INTERNING_SEGMENTS)
        return NULL;
    /* acquire: pairs with the releases above */
    struct interning_slot *slots =
        atomic_load_explicit(&table->directory[number >> INTERNING_SEGMENT_SHIFT], memory_order_acquire);
    return slots == NULL ? NULL : atomic_load_explicit(&slots[number & (SEGMENT_ITEMS - 1)].item, memory_order_acquire);
}

uint32_t interning_count(struct interning *table)
{
    return atomic_load_explicit(&table->count, memory_order_relaxed);
}
