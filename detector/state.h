/* state.h: the detector's own context, seen by its engines and by nobody else. */
#ifndef LOCKHOUND_DETECTOR_STATE_H
#define LOCKHOUND_DETECTOR_STATE_H

#include "detector/object_table.h"
#include "detector/thread.h"

/* Which findings have been reported, so that each is said once; under RANK_REGISTRY. */
struct said_set {
    uint64_t *hash;
    size_t capacity, count;
};

struct detector {
    const struct detector_host *host;
    struct detector_options options;
    struct clock_pool clocks;
    struct object_table objects;
    uint32_t inherited_objects; /* numbers up to this one are from before the fork that made this process */
    struct registry registry;
    struct lock_order *order;
    struct said_set said;
    _Atomic uint8_t handlers; /* enum signal_handlers */
    _Atomic uint64_t signals; /* that the program has ever set handlers for, but for faults; SIGNAL_BIT() of each */
    _Atomic uint64_t findings[FINDING_COUNT];
    _Atomic uint64_t repeats;
    _Atomic uint64_t threads;
    _Atomic uint64_t kinds[OBJECT_KIND_COUNT];
    _Atomic uint64_t lost_objects, lost_history;
    _Atomic uint64_t lost_orders; /* threads or holds without memory: what they release and acquire is not known */
};

static inline void detector_enter(const struct detector *d, enum rank rank)
{
    d->host->enter(d->host->ctx, rank);
}

static inline void detector_leave(const struct detector *d, enum rank rank)
{
    d->host->leave(d->host->ctx, rank);
}

static inline bool finding_enabled(const struct detector *d, enum finding_kind kind)
{
    return d->options.enabled[kind];
}

#endif
