/* beforehand.c: blocks that the only thread has allocated, before there were others.
 *
 *   beforehand CASE        two threads use it under a lock: nothing may be reported
 *   beforehand CASE racy   nothing orders the two: one race, in the block that make() has allocated
 *
 * The first thread always acts first (unseen.h), so that a run shows the same thing each time.
 */
#include <malloc.h>

#include "chosen.h"

#define KEPT __attribute__((noinline))

enum { SIZE = 200, AT = 96, LIVE = 3000 };

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static char *block;
static void *live[LIVE];

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
    void *small = malloc(16), *between = malloc(16);
    void *grown = realloc(small, SIZE);
    free(between);
    return grown;
}
static void *by_reallocarray(void)
{
    return reallocarray(malloc(SIZE), 2, SIZE);
}
static void *by_aligned_alloc(void)
{
    return aligned_alloc(64, 2 * AT);
}
static void *by_memalign(void)
{
    return memalign(128, SIZE);
}
static void *by_posix_memalign(void)
{
    void *memory = NULL;
    return posix_memalign(&memory, 256, SIZE) == 0 ? memory : NULL;
}

/* Of a place that held other blocks before, the latest counts. */
static void *by_malloc_again(void)
{
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < LIVE; i++)
            live[i] = malloc(SIZE / 4 + (size_t)(i % 8) * 16);
        for (int i = 0; i < LIVE; i++)
            free(live[i]);
    }
    return malloc(SIZE);
}

static const struct {
    const char *name;
    void *(*allocate)(void);
} cases[] = {
    {"malloc", by_malloc},
    {"calloc", by_calloc},
    {"realloc", by_realloc},
    {"reallocarray", by_reallocarray},
    {"aligned_alloc", by_aligned_alloc},
    {"memalign", by_memalign},
    {"posix_memalign", by_posix_memalign},
    {"malloc_again", by_malloc_again},
};

KEPT static void make(void)
{
    block = cases[chosen].allocate();
    __asm__ volatile("" ::: "memory"); /* no tail call: make() is on the stack */
}

KEPT void first(void)
{
    block[AT] = 1;
    __asm__ volatile("" ::: "memory");
}

KEPT void second(void)
{
    block[AT] = 2;
    __asm__ volatile("" ::: "memory");
}

static void *act(void (*side)(void))
{
    if (!racy)
        pthread_mutex_lock(&guard);
    side();
    if (!racy)
        pthread_mutex_unlock(&guard);
    return NULL;
}

static void *run_first(void *arg)
{
    act(first);
    unseen_pass();
    return arg;
}

static void *run_second(void *arg)
{
    unseen_wait();
    act(second);
    return arg;
}

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    make();
    int status = run_both(run_first, run_second);
    free(block);
    return status;
}
