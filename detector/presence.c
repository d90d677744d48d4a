#include "detector/presence.h"

#define PAGES   ((size_t)1 << PRESENCE_PAGE_BITS)
#define REGIONS ((size_t)1 << PRESENCE_REGION_BITS)
#define BYTES   (PAGES / 8 + REGIONS / 8 + (PAGES + REGIONS) * sizeof(uint16_t))

#define COUNT_STUCK UINT16_MAX
/* A range of more regions than this is taken to hold something whenever anything does. */
#define REGIONS_LOOKED_AT 4096

static size_t hash_of(uint64_t number, uint32_t bits)
{
    return (size_t)((number * 0x9e3779b97f4a7c15u) >> (64 - bits));
}

bool presence_init(struct presence *presence, const struct detector_host *host)
{
    char *memory = host->alloc(host->ctx, BYTES);
    presence->memory = memory;
    if (memory == NULL)
        return false;
    presence->page = (void *)memory;
    presence->region = (void *)(memory + PAGES / 8);
    presence->page_count = (void *)(memory + PAGES / 8 + REGIONS / 8);
    presence->region_count = presence->page_count + PAGES;
    return true;
}

void presence_delete(struct presence *presence, const struct detector_host *host)
{
    if (presence->memory != NULL)
        host->free(host->ctx, presence->memory, BYTES);
}

static bool bit_get(const _Atomic uint64_t *bits, size_t i)
{
    return (relaxed_load(&bits[i / 64]) >> (i % 64)) & 1;
}

static void count_up(_Atomic uint64_t *bits, uint16_t *counts, size_t i)
{
    if (counts[i] != COUNT_STUCK)
        counts[i]++;
    relaxed_store(&bits[i / 64], relaxed_load(&bits[i / 64]) | (1ull << (i % 64)));
}

static void count_down(_Atomic uint64_t *bits, uint16_t *counts, size_t i)
{
    if (counts[i] != COUNT_STUCK && --counts[i] == 0)
        relaxed_store(&bits[i / 64], relaxed_load(&bits[i / 64]) & ~(1ull << (i % 64)));
}

void presence_add(struct presence *presence, uint64_t address)
{
    relaxed_store(&presence->total, relaxed_load(&presence->total) + 1);
    if (presence->memory != NULL) {
        count_up(presence->page, presence->page_count, hash_of(address >> PRESENCE_PAGE_SHIFT, PRESENCE_PAGE_BITS));
        count_up(presence->region, presence->region_count,
                 hash_of(address >> PRESENCE_REGION_SHIFT, PRESENCE_REGION_BITS));
    }
}

void presence_remove(struct presence *presence, uint64_t address)
{
    relaxed_store(&presence->total, relaxed_load(&presence->total) - 1);
    if (presence->memory != NULL) {
        count_down(presence->page, presence->page_count, hash_of(address >> PRESENCE_PAGE_SHIFT, PRESENCE_PAGE_BITS));
        count_down(presence->region, presence->region_count,
                   hash_of(address >> PRESENCE_REGION_SHIFT, PRESENCE_REGION_BITS));
    }
}

static bool pages_may_hold(const struct presence *presence, uint64_t first, uint64_t last)
{
    for (uint64_t page = first; page <= last; page++)
        if (bit_get(presence->page, hash_of(page, PRESENCE_PAGE_BITS)))
            return true;
    return false;
}

static bool regions_may_hold(const struct presence *presence, uint64_t low, uint64_t high)
{
    const uint32_t pages_shift = PRESENCE_REGION_SHIFT - PRESENCE_PAGE_SHIFT;
    uint64_t first_page = low >> PRESENCE_PAGE_SHIFT, last_page = (high - 1) >> PRESENCE_PAGE_SHIFT;
    uint64_t first = low >> PRESENCE_REGION_SHIFT, last = (high - 1) >> PRESENCE_REGION_SHIFT;
    if (last - first > REGIONS_LOOKED_AT)
        return true;
    for (uint64_t region = first; region <= last; region++) {
        if (!bit_get(presence->region, hash_of(region, PRESENCE_REGION_BITS)))
            continue;
        uint64_t from = region == first ? first_page : region << pages_shift;
        uint64_t to = region == last ? last_page : ((region + 1) << pages_shift) - 1;
        if (pages_may_hold(presence, from, to))
            return true;
    }
    return false;
}

bool presence_may_hold(const struct presence *presence, uint64_t low, uint64_t high)
{
    if (low >= high || relaxed_load(&presence->total) == 0)
        return false;
    if (presence->memory == NULL)
        return true;
    uint64_t first = low >> PRESENCE_PAGE_SHIFT, last = (high - 1) >> PRESENCE_PAGE_SHIFT;
    return last - first < 16 ? pages_may_hold(presence, first, last) : regions_may_hold(presence, low, high);
}
