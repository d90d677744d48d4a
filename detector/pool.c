#include "detector/pool.h"

#include <string.h>

struct pool_item {
    struct pool_item *next;
};

struct pool_block {
    struct pool_block *next;
};

/* Items begin on a cache line of their own, because the host aligns blocks to one. */
enum { BLOCK_HEADER_SIZE = 64, ITEM_ALIGNMENT = 16 };

void pool_init(struct pool *pool, const struct detector_host *host, size_t item_size, size_t items_per_block)
{
    pool->host = host;
    pool->item_size = (item_size + ITEM_ALIGNMENT - 1) / ITEM_ALIGNMENT * ITEM_ALIGNMENT;
    pool->items_per_block = items_per_block;
    pool->free_items = NULL;
    pool->blocks = NULL;
}

static size_t block_size(const struct pool *pool)
{
    return BLOCK_HEADER_SIZE + pool->item_size * pool->items_per_block;
}

void pool_release(struct pool *pool)
{
    while (pool->blocks) {
        struct pool_block *block = pool->blocks;
        pool->blocks = block->next;
        pool->host->free(pool->host->ctx, block, block_size(pool));
    }
    pool->free_items = NULL;
}

static void pool_grow(struct pool *pool)
{
    struct pool_block *block = pool->host->alloc(pool->host->ctx, block_size(pool));
    if (!block)
        return;
    block->next = pool->blocks;
    pool->blocks = block;
    char *items = (char *)block + BLOCK_HEADER_SIZE;
    for (size_t i = pool->items_per_block; i-- > 0;)
        pool_give(pool, items + i * pool->item_size);
}

void *pool_take(struct pool *pool)
{
    if (!pool->free_items)
        pool_grow(pool);
    struct pool_item *item = pool->free_items;
    if (!item)
        return NULL;
    pool->free_items = item->next;
    return memset(item, 0, pool->item_size);
}

void pool_give(struct pool *pool, void *item)
{
    struct pool_item *free_item = item;
    free_item->next = pool->free_items;
    pool->free_items = free_item;
}
