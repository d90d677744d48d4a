#include "preload/interning.h"

#include <stdatomic.h>

#include "preload/arena.h"
#include "preload/ranks.h"

#define ADDRESS_MASK ((UINT64_C(1) << 48) - 1)

enum { FIRST_BUCKETS = 1024, SEGMENT_ITEMS = 1 << INTERNING_SEGMENT_SHIFT };

static uint64_t tag_of(uint64_t hash)
{
    return hash & ~ADDRESS_MASK;
}

static struct interned *item_in(uint64_t tagged)
{
    return (struct interned *)(uintptr_t)(tagged & ADDRESS_MASK);
}

/* Returns: the bucket that holds this item, or the empty one where it belongs; and what it holds. */
static _Atomic uint64_t *find_bucket(const struct interning *table, struct interning_buckets *buckets, uint64_t hash,
                                     const void *key, struct interned **item)
{
    for (uint32_t at = (uint32_t)hash;; at++) {
        _Atomic uint64_t *bucket = &buckets->tagged[at & (buckets->capacity - 1)];
        /* acquire: pairs with the release in insert() */
        uint64_t tagged = atomic_load_explicit(bucket, memory_order_acquire);
        *item = item_in(tagged);
        if (tagged == 0 || (tag_of(tagged) == tag_of(hash) && (*item)->hash == hash && table->equal(*item, key)))
            return bucket;
    }
}

static struct interned *find(const struct interning *table, uint64_t hash, const void *key)
{
    /* acquire: pairs with the release in make_room() */
    struct interning_buckets *buckets = atomic_load_explicit(&table->buckets, memory_order_acquire);
    struct interned *item = NULL;
    if (buckets != NULL)
        find_bucket(table, buckets, hash, key, &item);
    return item;
}

/* No two of these are equal. */
static void put_item(struct interning_buckets *buckets, uint64_t tagged)
{
    uint32_t at = (uint32_t)item_in(tagged)->hash & (buckets->capacity - 1);
    while (atomic_load_explicit(&buckets->tagged[at], memory_order_relaxed) != 0)
        at = (at + 1) & (buckets->capacity - 1);
    atomic_store_explicit(&buckets->tagged[at], tagged, memory_order_relaxed);
}

/* holds(OWN_RANK_STACKS).  Returns: buckets with room for one more; NULL when there is no memory. */
static struct interning_buckets *make_room(struct interning *table)
{
    struct interning_buckets *old = atomic_load_explicit(&table->buckets, memory_order_relaxed);
    uint32_t filled = old == NULL ? 0 : old->capacity;
    if ((interning_count(table) + 1) * 2 <= filled)
        return old;
    uint32_t capacity = filled == 0 ? FIRST_BUCKETS : filled * 2;
    struct interning_buckets *buckets = arena_alloc(sizeof *buckets + capacity * sizeof buckets->tagged[0]);
    if (buckets == NULL)
        return NULL;
    buckets->capacity = capacity;
    for (uint32_t i = 0; i < filled; i++) {
        uint64_t tagged = atomic_load_explicit(&old->tagged[i], memory_order_relaxed);
        if (tagged != 0)
            put_item(buckets, tagged);
    }
    atomic_store_explicit(&table->buckets, buckets, memory_order_release); /* pairs with find() */
    return buckets;
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
static struct interned *insert(struct interning *table, _Atomic uint64_t *bucket, uint64_t hash, const void *key)
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
    atomic_store_explicit(bucket, (uintptr_t)item | tag_of(hash), memory_order_release); /* pairs with find_bucket() */
    return item;
}

const struct interned *interning_find(const struct interning *table, uint64_t hash, const void *key)
{
    return find(table, hash, key);
}

const struct interned *interning_find_or_add(struct interning *table, uint64_t hash, const void *key)
{
    struct interned *item = find(table, hash, key);
    if (item != NULL)
        return item;
    rank_enter(OWN_RANK_STACKS);
    struct interning_buckets *buckets = make_room(table);
    if (buckets != NULL) {
        _Atomic uint64_t *bucket = find_bucket(table, buckets, hash, key, &item);
        if (item == NULL)
            item = insert(table, bucket, hash, key);
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
