#include "malloc_host.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

static size_t bytes;
static size_t allocations_left = SIZE_MAX;

static size_t rounded(size_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void *host_alloc(void *ctx, size_t size)
{
    (void)ctx;
    if (allocations_left == 0)
        return NULL;
    if (allocations_left != SIZE_MAX)
        allocations_left--;
    void *memory = aligned_alloc(ALIGNMENT, rounded(size));
    if (!memory)
        abort();
    bytes += size;
    return memset(memory, 0, rounded(size));
}

static void host_free(void *ctx, void *memory, size_t size)
{
    (void)ctx;
    bytes -= size;
    free(memory);
}

static void host_enter(void *ctx, enum rank rank)
{
    (void)ctx, (void)rank;
}

static void host_report(void *ctx, const struct finding *finding)
{
    (void)ctx, (void)finding;
}

static uint64_t host_now_ns(void *ctx)
{
    (void)ctx;
    return 0;
}

static bool host_all_asleep(void *ctx)
{
    (void)ctx;
    return true;
}

const struct detector_host malloc_host = {
    .alloc = host_alloc,
    .free = host_free,
    .enter = host_enter,
    .leave = host_enter,
    .report = host_report,
    .now_ns = host_now_ns,
    .all_asleep = host_all_asleep,
};

size_t malloc_host_bytes(void)
{
    return bytes;
}

void malloc_host_limit(size_t count)
{
    allocations_left = count;
}
