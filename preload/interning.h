/* interning.h: a table in which each distinct thing is kept once and has a number.
 *
 *   hash, key --interning_find_or_add()--> [buckets by hash] --found--> item
 *                                               \--new--> make(key) --> [directory by number] --interning_get(number)--> item
 *
 * Model:     items are made from keys; `equal` says whether an item is what a key asks for.
 * Invariant: an item is never changed, moved or removed; numbers count from 1 without gaps; buckets are at most half full.
 * Threads:   insertion takes OWN_RANK_STACKS; finding what is there and reading by number take nothing.
 * Memory:    from the arena.  Buckets that were outgrown stay, for somebody may read them: together no more than the present ones.
 */
#ifndef LOCKHOUND_PRELOAD_INTERNING_H
#define LOCKHOUND_PRELOAD_INTERNING_H

#include <stdbool.h>
#include <stdint.h>

enum { INTERNING_SEGMENT_SHIFT = 12, INTERNING_SEGMENTS = 1024 };

/* What each item begins with; filled by the table. */
struct interned {
    uint64_t hash;
    uint32_t number;
};

struct interning_slot {
    struct interned *_Atomic item;
};

/* Open addressing: an item stands in the first free bucket from its hash on.  A bucket is the item's address, in 48 bits, below
 * the upper 16 of its hash: one that is of no use is told without a look at the item. */
struct interning_buckets {
    uint32_t capacity; /* a power of two */
    _Atomic uint64_t tagged[];
};

struct interning {
    /* The hashes are equal already. */
    bool (*equal)(const struct interned *item, const void *key);
    /* Returns: an item for `key`, or NULL when there is no memory. */
    struct interned *(*make)(const void *key);
    struct interning_slot *_Atomic directory[INTERNING_SEGMENTS]; /* each segment is filled from the front */
    uint32_t _Atomic count;
    struct interning_buckets *_Atomic buckets; /* NULL before the first item */
};

/* Returns: the item for `key`, or NULL.  Context: signal, in-malloc, loader-lock. */
const struct interned *interning_find(const struct interning *table, uint64_t hash, const void *key);
/* Returns: the item for `key`; NULL when there is no memory.  The lock is taken for one that is new.
 * Context: signal, in-malloc, takes(OWN_RANK_STACKS). */
const struct interned *interning_find_or_add(struct interning *table, uint64_t hash, const void *key);
/* Returns: the item numbered `number`, or NULL.  Context: signal, in-malloc, loader-lock. */
const struct interned *interning_get(struct interning *table, uintptr_t number);
/* Returns: how many items there are.  Context: signal, in-malloc, loader-lock. */
uint32_t interning_count(struct interning *table);

#endif
