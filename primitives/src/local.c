#include <lhp/local.h>

#include <errno.h>
#include <stdlib.h>

struct lhp_local_block {
    struct lhp_local *local;
    struct lhp_local_block *prev, *next;
    _Alignas(max_align_t) unsigned char data[];
};

static void block_unlink(struct lhp_local_block *block)
{
    struct lhp_local *local = block->local;
    pthread_mutex_lock(&local->mutex);
    if (block->prev)
        block->prev->next = block->next;
    else
        local->blocks = block->next;
    if (block->next)
        block->next->prev = block->prev;
    pthread_mutex_unlock(&local->mutex);
}

static void block_free(struct lhp_local_block *block)
{
    if (block->local->destruct)
        block->local->destruct(block->data, block->local->arg);
    free(block);
}

/* The key holds the data, so that getting it is one call. */
static void block_thread_ends(void *memory)
{
    struct lhp_local_block *block =
        (struct lhp_local_block *)(void *)((unsigned char *)memory - offsetof(struct lhp_local_block, data));
    block_unlink(block);
    block_free(block);
}

enum lhp_status lhp_local_init(struct lhp_local *local, size_t size, void (*construct)(void *block, void *arg),
                               void (*destruct)(void *block, void *arg), void *arg)
{
    *local = (struct lhp_local){.size = size, .construct = construct, .destruct = destruct, .arg = arg};
    int err = pthread_key_create(&local->key, block_thread_ends);
    if (err) {
        errno = err;
        return LHP_SYSTEM;
    }
    pthread_mutex_init(&local->mutex, NULL);
    return LHP_OK;
}

void lhp_local_destroy(struct lhp_local *local)
{
    pthread_key_delete(local->key);
    struct lhp_local_block *block = local->blocks;
    local->blocks = NULL;
    while (block) {
        struct lhp_local_block *next = block->next;
        block_free(block);
        block = next;
    }
    pthread_mutex_destroy(&local->mutex);
}

static struct lhp_local_block *block_new(struct lhp_local *local)
{
    struct lhp_local_block *block = calloc(1, sizeof(*block) + local->size);
    if (!block)
        return NULL;
    block->local = local;
    if (pthread_setspecific(local->key, block->data) != 0) {
        free(block);
        return NULL;
    }
    pthread_mutex_lock(&local->mutex);
    block->next = local->blocks;
    if (block->next)
        block->next->prev = block;
    local->blocks = block;
    pthread_mutex_unlock(&local->mutex);
    return block;
}

void *lhp_local_make(struct lhp_local *local)
{
    struct lhp_local_block *block = block_new(local);
    if (!block)
        return NULL;
    if (local->construct)
        local->construct(block->data, local->arg);
    return block->data;
}
