#include "preload/arena.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include "detector/bytes.h"
#include "preload/page.h"
#include "preload/ranks.h"
#include "preload/raw.h"

enum {
    SMALLEST_SHIFT = 6, /* a cache line */
    CLASSES = 13,       /* 64 B ... 256 KiB */
    CHUNK_SIZE = 512 << 10,
};

struct free_block {
    struct free_block *next;
};

static struct {
    struct free_block *classes[CLASSES];
    char *at, *end; /* of the current chunk */
    size_t used, limit;
} arena;

static unsigned class_of(size_t size)
{
    unsigned class = 0;
    while (((size_t)1 << (SMALLEST_SHIFT + class)) < size)
        class ++;
    return class;
}

static void *map_pages(size_t size)
{
    long at = raw_syscall(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                          -1, 0);
    return raw_is_no_address(at) ? NULL : (void *)at;
}

/* Returns: fresh zeroed memory of a size class.  holds(OWN_RANK_ARENA) */
static void *carve(size_t size)
{
    if ((size_t)(arena.end - arena.at) < size) {
        char *chunk = map_pages(CHUNK_SIZE);
        if (chunk == NULL)
            return NULL;
        arena.at = chunk;
        arena.end = chunk + CHUNK_SIZE;
    }
    char *result = arena.at;
    arena.at += size;
    return result;
}

void *arena_alloc(size_t size)
{
    unsigned class = class_of(size);
    size_t whole = class < CLASSES ? (size_t)1 << (SMALLEST_SHIFT + class) : page_round_up(size);
    void *result = NULL;
    rank_enter(OWN_RANK_ARENA);
    if (arena.limit == 0 || arena.used + whole <= arena.limit) {
        if (class >= CLASSES) {
            result = map_pages(whole);
        } else if (arena.classes[class] != NULL) {
            result = arena.classes[class];
            arena.classes[class] = arena.classes[class]->next;
            bytes_fill(result, 0, whole);
        } else {
            result = carve(whole);
        }
        if (result != NULL)
            arena.used += whole;
    }
    rank_leave(OWN_RANK_ARENA);
    return result;
}

void arena_free(void *memory, size_t size)
{
    if (memory == NULL)
        return;
    unsigned class = class_of(size);
    rank_enter(OWN_RANK_ARENA);
    if (class >= CLASSES) {
        raw_syscall(SYS_munmap, (long)memory, (long)page_round_up(size), 0, 0, 0, 0);
        arena.used -= page_round_up(size);
    } else {
        struct free_block *block = memory;
        block->next = arena.classes[class];
        arena.classes[class] = block;
        arena.used -= (size_t)1 << (SMALLEST_SHIFT + class);
    }
    rank_leave(OWN_RANK_ARENA);
}

void arena_set_limit(size_t bytes)
{
    arena.limit = bytes;
}

size_t arena_used(void)
{
    rank_enter(OWN_RANK_ARENA);
    size_t used = arena.used;
    rank_leave(OWN_RANK_ARENA);
    return used;
}
