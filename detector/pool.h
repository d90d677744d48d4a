/* pool.h: items of one size at addresses that never move, from blocks of the host.
 *
 *   host->alloc --block of n items--> [free list] --pool_take()--> item --pool_give()--> [free list]
 *
 * Model:     a stack of free items; blocks go back to the host only with the pool itself.
 * Invariant: memory of a pool stays memory of its item type, so that a late write through a stale pointer can spoil a
 *            value but never another structure.
 * Threads:   no locking inside.
 */
#ifndef LOCKHOUND_DETECTOR_POOL_H
#define LOCKHOUND_DETECTOR_POOL_H

#include "detector/host.h"

struct pool_item;
struct pool_block;

struct pool {
    const struct detector_host *host;
    size_t item_size;
    size_t items_per_block;
    struct pool_item *free_items; /* the link is the item's first word */
    struct pool_block *blocks;
};

void pool_init(struct pool *pool, const struct detector_host *host, size_t item_size, size_t items_per_block);
/* Gives every block back; all items become invalid. */
void pool_release(struct pool *pool);
/* Returns: a zeroed item, or NULL when the host has no memory left. */
void *pool_take(struct pool *pool);
void pool_give(struct pool *pool, void *item);

#endif
