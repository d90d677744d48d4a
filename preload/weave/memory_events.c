#include "preload/weave/memory_events.h"

#include "detector/race_shared.h"
#include "preload/abi/ignored.h"
#include "preload/deferral.h"
#include "preload/weave/access_trace.h"
#include "preload/weave/plane.h"

bool memory_is_known_woven(const struct self *self, const void *address, size_t size, uint32_t flags)
{
    if (!access_trace_is_on() && race_is_known(&self->plane->race, (uint64_t)(uintptr_t)address, size, flags))
        return true;
    (void)race_fetch(plane_engine(), &self->plane->race, (uint64_t)(uintptr_t)address, (flags & RACE_WRITE) != 0);
    return false;
}

void memory_access_woven(struct self *self, const void *address, size_t size, uint32_t flags, struct callers_id at)
{
    struct plane *plane = self->plane;
    if (plane->gate.frame != 0)
        return;                                              /* the allocator's */
    if (access_trace_is_on() && (flags & RACE_LIBRARY) != 0) /* of compiled code atomics are not traced */
        access_trace_library(self, (uint64_t)(uintptr_t)address, size, flags, at);
    deferral_begin();
    plane->here = at;
    uint32_t what = HISTORY_WHAT(HISTORY_RANGE, flags, size < HISTORY_SIZE_MAX ? size : HISTORY_SIZE_MAX);
    const struct race_shared shared =
        race_shared_find(plane->engine, &plane->race, (uint64_t)(uintptr_t)address, size, flags);
    history_append(&plane->history, at.v, (uint32_t)(uintptr_t)address, what);
    if (shared.chunk != NULL)
        race_shared_access(plane->engine, &plane->race, &shared, (uint64_t)(uintptr_t)address, size, flags);
    else
        race_access(plane->engine, &plane->race, (uint64_t)(uintptr_t)address, size, flags);
    if (plane_began_epoch(self, (uintptr_t)address, size, 0))
        history_append(&plane->history, at.v, (uint32_t)(uintptr_t)address, what);
    deferral_end();
}

void memory_note_woven(struct self *self, const void *address, struct callers_id at)
{
    struct plane *plane = self->plane;
    if (plane->gate.frame != 0)
        return; /* the allocator's */
    deferral_begin();
    plane->here = at;
    history_append(&plane->history, at.v, (uint32_t)(uintptr_t)address, HISTORY_WHAT(HISTORY_RANGE, RACE_LIBRARY, 1));
    if (!race_note(plane_engine(), &plane->race, (uint64_t)(uintptr_t)address))
        race_access(plane_engine(), &plane->race, (uint64_t)(uintptr_t)address, 1, RACE_LIBRARY);
    deferral_end();
}

static void forget(struct self *self, uintptr_t low, uintptr_t high)
{
    if (ignored_has_any())
        ignored_remove(low, high);
    if (access_trace_is_on())
        access_trace_fresh(self, low, high);
}

void memory_fresh_woven(struct self *self, uintptr_t low, uintptr_t high)
{
    forget(self, low, high);
    deferral_begin();
    race_range_fresh(plane_engine(), &self->plane->race, low, high);
    deferral_end();
}

void memory_mapped_woven(struct self *self, uintptr_t low, uintptr_t high)
{
    forget(self, low, high);
    deferral_begin();
    race_range_mapped(plane_engine(), &self->plane->race, low, high);
    deferral_end();
}
