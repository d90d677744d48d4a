/* presence.h: says in a nanosecond or two that no object lives in a page.
 *
 *   address >> 12 --hash--> bit of `page` (and a count)        answers small ranges
 *   address >> 21 --hash--> bit of `region` (and a count)      skips 2 MiB at a time in large ones
 *
 * Model:     a set of pages, approximated from above: a set bit may be another page's, a clear bit is certain.
 * Threads:   written under RANK_OBJECTS, read by anybody; an object's page is set before the object can be found.
 */
#ifndef LOCKHOUND_DETECTOR_PRESENCE_H
#define LOCKHOUND_DETECTOR_PRESENCE_H

#include "detector/host.h"
#include "detector/relaxed.h"

#define PRESENCE_PAGE_BITS    17
#define PRESENCE_REGION_BITS  14
#define PRESENCE_PAGE_SHIFT   12
#define PRESENCE_REGION_SHIFT 21

struct presence {
    _Atomic uint64_t *page;   /* 1 << PRESENCE_PAGE_BITS bits */
    _Atomic uint64_t *region; /* 1 << PRESENCE_REGION_BITS bits */
    uint16_t *page_count;     /* sticks at its maximum: then the bit stays set */
    uint16_t *region_count;
    _Atomic uint64_t total;
    void *memory;
};

/* Returns: false without memory; then presence_may_hold() is always true. */
bool presence_init(struct presence *presence, const struct detector_host *host);
void presence_delete(struct presence *presence, const struct detector_host *host);
void presence_add(struct presence *presence, uint64_t address);
void presence_remove(struct presence *presence, uint64_t address);
/* Returns: false when surely nothing lives in the pages of [low, high). */
bool presence_may_hold(const struct presence *presence, uint64_t low, uint64_t high);

#endif
