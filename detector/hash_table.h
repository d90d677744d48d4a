/* hash_table.h: finds items by a 64-bit hash; open addressing on memory of the host.
 *
 *   hash --(home slot, then the next ones)--> {hash, item} --match(item, key)--> item
 *
 * Model:     a multiset of (hash, item); what equality means is the caller's `match`.
 * Invariant: no free slot lies between an item's home slot and the slot it is in; at most 3/4 of the slots are used.
 * Threads:   no locking inside.
 * Source:    Knuth, The Art of Computer Programming 3, 6.4, algorithm R (deletion without tombstones).
 */
#ifndef LOCKHOUND_DETECTOR_HASH_TABLE_H
#define LOCKHOUND_DETECTOR_HASH_TABLE_H

#include "detector/host.h"

struct hash_slot;

struct hash_table {
    const struct detector_host *host;
    struct hash_slot *slots;
    size_t capacity; /* 0 or a power of two */
    size_t count;
};

typedef bool hash_match(const void *item, const void *key);

void hash_table_init(struct hash_table *table, const struct detector_host *host);
void hash_table_release(struct hash_table *table);
/* Returns: the item with this hash that `match` accepts (any such item when `match` is NULL), or NULL. */
void *hash_table_find(const struct hash_table *table, uint64_t hash, hash_match *match, const void *key);
/* Returns: false, with nothing changed, when there is no memory.  `item` is not NULL and not in the table yet. */
bool hash_table_insert(struct hash_table *table, uint64_t hash, void *item);
/* Takes out `item`, which was inserted with `hash`; nothing happens when that pair is not there. */
void hash_table_remove(struct hash_table *table, uint64_t hash, const void *item);
void hash_table_visit(const struct hash_table *table, void (*visit)(void *ctx, void *item), void *ctx);

/* Returns: `seed` with `value` mixed in; every bit of both reaches the low bits. */
static inline uint64_t hash_mix(uint64_t seed, uint64_t value)
{
    uint64_t x = seed ^ (value + UINT64_C(0x9e3779b97f4a7c15) + (seed << 6) + (seed >> 2));
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9); /* the finaliser of splitmix64 */
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

#endif
