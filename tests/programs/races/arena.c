/* arena.c: a program with an allocator of its own, whose lock no tool can see: blocks that it hands from one thread to another.
 *
 *   arena CASE        the second thread gets the block that the first has given back: nothing may be reported
 *   arena CASE racy   it uses the first one's block while that is still the first one's: one race, in that block
 *
 * The first thread always acts first (unseen.h), so that a run shows the same thing each time.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include "chosen.h"

#define KEPT __attribute__((noinline))

/* ---- the allocator: lists of free blocks by size, which begin with a link; out of line, as in a file of its own ---------- */

enum { HEAD = 16, CLASSES = 28, ROOM = 16 << 20 };

struct head {
    size_t class;
    size_t padding;
};

static _Alignas(4096) char room[ROOM];
static size_t room_used;
static void *lists[CLASSES];
static int tokens[2]; /* a lock: whoever has read the byte has it */

static void take(void)
{
    char byte;
    if (tokens[1] == 0) {
        int made[2];
        unseen_call(SYS_pipe, (long)made, 0, 0);
        tokens[0] = made[0];
        tokens[1] = made[1];
        return;
    }
    unseen_call(SYS_read, tokens[0], (long)&byte, 1);
}

static void give(void)
{
    char byte = 0;
    unseen_call(SYS_write, tokens[1], (long)&byte, 1);
}

static size_t class_of(size_t size)
{
    size_t class = 4;
    while (((size_t)1 << class) < size)
        class ++;
    return class;
}

static struct head *head_of(void *block)
{
    return (struct head *)((char *)block - HEAD);
}

KEPT void *malloc(size_t size)
{
    size_t class = class_of(size);
    take();
    void *block = lists[class];
    if (block != NULL) {
        memcpy(&lists[class], block, sizeof block);
    } else if (room_used + HEAD + ((size_t)1 << class) <= ROOM) {
        block = room + room_used + HEAD;
        room_used += HEAD + ((size_t)1 << class);
        head_of(block)->class = class;
    }
    give();
    return block;
}

KEPT void free(void *block)
{
    if (block == NULL)
        return;
    take();
    size_t class = head_of(block)->class;
    *(void **)block = lists[class];
    lists[class] = block;
    give();
}

KEPT size_t malloc_usable_size(void *block)
{
    return block == NULL ? 0 : (size_t)1 << head_of(block)->class;
}

KEPT void *calloc(size_t count, size_t size)
{
    void *block = malloc(count * size);
    return block != NULL ? memset(block, 0, count * size) : NULL;
}

KEPT void *realloc(void *old, size_t size)
{
    size_t known = malloc_usable_size(old);
    if (old != NULL && size <= known)
        return old;
    void *block = malloc(size);
    if (block != NULL && old != NULL)
        memcpy(block, old, known);
    free(old);
    return block;
}

/* Blocks of a page or more lie where their heads leave them: aligned by hand. */
KEPT int posix_memalign(void **place, size_t alignment, size_t size)
{
    *place = malloc(size);
    return *place == NULL || (uintptr_t)*place % alignment != 0 ? ENOMEM : 0;
}

KEPT void *aligned_alloc(size_t alignment, size_t size)
{
    return alignment <= HEAD ? malloc(size) : NULL;
}

/* ---- the program ---------------------------------------------------------------------------------------------------------- */

static __thread long *cell;
static int hand[2]; /* over which the first tells the second where its block is, unseen */

KEPT void first(void)
{
    *cell = 1;
    __asm__ volatile("" ::: "memory");
}

KEPT void second(void)
{
    *cell = 2;
    __asm__ volatile("" ::: "memory");
}

enum { SIZE = 200 };

static void *by_malloc(void)
{
    return malloc(SIZE);
}
static void *by_calloc(void)
{
    return calloc(2, SIZE / 2);
}
static void *by_realloc(void)
{
    return realloc(malloc(8), SIZE);
}
static void *by_posix_memalign(void)
{
    void *block = NULL;
    return posix_memalign(&block, 16, SIZE) == 0 ? block : NULL;
}
static void *by_aligned_alloc(void)
{
    return aligned_alloc(16, SIZE);
}
/* All that the allocator gave may be used. */
static void *by_usable_size(void)
{
    volatile char *block = malloc(SIZE);
    block[malloc_usable_size(block) - 1] = 1;
    return (void *)block;
}

static const struct {
    const char *name;
    void *(*get)(void);
} cases[] = {
    {"malloc", by_malloc},
    {"calloc", by_calloc},
    {"realloc", by_realloc},
    {"posix_memalign", by_posix_memalign},
    {"aligned_alloc", by_aligned_alloc},
    {"usable_size", by_usable_size},
};

static void *run_first(void *arg)
{
    cell = cases[chosen].get();
    first();
    if (!racy)
        free(cell);
    unseen_call(SYS_write, hand[1], (long)&cell, sizeof cell);
    return arg;
}

static void *run_second(void *arg)
{
    long *block = NULL;
    unseen_call(SYS_read, hand[0], (long)&block, sizeof block);
    cell = racy ? block : cases[chosen].get();
    if (cell != block)
        abort(); /* it is another one: nothing was handed over */
    second();
    if (!racy)
        free(cell);
    return arg;
}

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    if (unseen_call(SYS_pipe, (long)hand, 0, 0) != 0)
        return 2;
    return run_both(run_first, run_second);
}
