#include "preload/weave/miss.h"

#include "detector/event.h"
#include "detector/race_shared.h"
#include "preload/abi/request.h"
#include "preload/weave/access_trace.h"
#include "preload/weave/callers.h"
#include "preload/weave/lanes.h"
#include "preload/weave/pc_map.h"
#include "preload/weave/plane.h"
#include "preload/weave/race_host.h"
#include "preload/weave/run.h"

/* ---- the site ----------------------------------------------------------------------------------------------------- */

static inline struct image_site site_of(const struct routine_frame *frame)
{
    return image_mark_read(routine_mark(frame, 0));
}

/* ---- the callers -------------------------------------------------------------------------------------------------- */

void miss_callers(const struct routine_frame *frame, struct plane *plane)
{
    /* First: a signal handler that comes in between sets it again. */
    plane->header.context_changed = 0;
    history_context(&plane->history, callers_take(plane, frame));
}

/* ---- the access ---------------------------------------------------------------------------------------------------- */

static uint32_t what_of(uint64_t size, uint32_t flags)
{
    return HISTORY_WHAT(HISTORY_ACCESS, flags, size < HISTORY_SIZE_MAX ? size : HISTORY_SIZE_MAX);
}

/* The entry comes before the tags: whoever meets those finds it. */
static inline uint32_t note(struct plane *plane, uint64_t address, uint64_t size, uint32_t flags)
{
    uint32_t what = what_of(size, flags);
    history_append(&plane->history, plane->site, (uint32_t)address, what);
    return what;
}

uint32_t miss_note(struct plane *plane, uint64_t address, uint64_t size, uint32_t flags)
{
    return note(plane, address, size, flags);
}

/* The same, of what may come again and again: a loop that waits for an atomic comes here in each round, and must not push out what its
 * thread did before. */
static uint32_t note_once(struct plane *plane, uint64_t address, uint64_t size, uint32_t flags)
{
    uint32_t what = what_of(size, flags);
    bool is_there = history_has_just(&plane->history, plane->site, (uint32_t)address, what);
    return is_there ? what : note(plane, address, size, flags);
}

static inline void note_stack(struct plane *plane, const struct routine_frame *frame)
{
    uintptr_t sp = (uintptr_t)(frame + 1);
    if (self_owns_stack(plane->self, sp))
        race_popped_note(plane->engine, &plane->popped, sp);
}

static void record_access(struct plane *plane, uint64_t address, uint64_t size, uint32_t flags)
{
    bool may_come_again = race_fetch(plane_engine(), &plane->race, address, (flags & RACE_WRITE) != 0);
    if (may_come_again && self_owns_stack(plane->self, address))
        race_popped_forget(plane_engine(), &plane->race, &plane->popped, address, size);
    uint32_t what = may_come_again ? note_once(plane, address, size, flags) : note(plane, address, size, flags);
    race_access(plane_engine(), &plane->race, address, size, flags);
    if (plane_began_epoch(plane->self, address, size, plane->site))
        history_append(&plane->history, plane->site, (uint32_t)address, what);
}

/* The usual miss of memory that several threads share.  Returns: false when it is none, and nothing was done. */
static bool record_shared(struct plane *plane, uint64_t address, struct image_site site,
                          const struct routine_frame *frame)
{
    if (frame->routine >= PLANE_READ_RANGE || !plane_is_settled(plane) || !plane_is_in_step(plane) ||
        access_trace_is_on())
        return false;
    uint32_t flags = pc_map_site_flags(&site);
    const struct race_shared shared = race_shared_find(plane->engine, &plane->race, address, site.size, flags);
    if (shared.chunk == NULL)
        return false;
    note(plane, address, site.size, flags);
    race_shared_access(plane->engine, &plane->race, &shared, address, site.size, flags);
    return true;
}

static void record_stretches(struct plane *plane, uint64_t address, uint64_t used, uint32_t flags)
{
    struct image_stretch stretch;
    while (image_stretch_next(&used, &stretch))
        record_access(plane, address + stretch.at, stretch.size, flags);
}

static void record_lanes(struct plane *plane, uint64_t address, const struct image_site *site,
                         const struct routine_frame *frame)
{
    uint32_t flags = pc_map_site_flags(site);
    uint64_t at, size;
    struct lanes_walk walk = lanes_begin(&plane->header, address, site, frame);
    while (lanes_next(&walk, &at, &size))
        if (!lanes_tags_know(&plane->header, at, size, (flags & RACE_WRITE) != 0))
            record_access(plane, at, size, flags);
}

/* ---- requests ------------------------------------------------------------------------------------------------------ */

struct asked {
    struct plane *plane;
    const struct routine_frame *frame;
};

static void answer(void *arg)
{
    const struct asked *asked = arg;
    request_do(asked->plane->self, (const uint64_t *)(uintptr_t)asked->frame->rax, (uintptr_t)(asked->frame + 1),
               race_host.stack_here(NULL));
}

/* It has an entry of its own in the history, so that the site is not what moved the clock on. */
static void ask(struct plane *plane, const struct routine_frame *frame)
{
    struct asked asked = {plane, frame};
    vectors_apart(&plane->vectors, answer, &asked);
    plane_sync(plane->self);
}

static void change(struct plane *plane, uint64_t address, const struct image_site *site, int order)
{
    bool adds = (site->flags & IMAGE_SITE_ADDS) != 0;
    if ((site->flags & IMAGE_SITE_UNTOLD) != 0)
        race_atomic_unobserved(plane_engine(), &plane->race, address, site->size,
                               order == ORDER_RELAXED ? ORDER_RELAXED : ORDER_RELEASE, adds);
    else if (adds)
        race_atomic_add(plane_engine(), &plane->race, address, site->size, order);
    else
        race_atomic_before(plane_engine(), &plane->race, address, site->size, order);
}

static void act(struct plane *plane, uint64_t address, const struct image_site *site, struct routine_frame *frame)
{
    struct race_engine *engine = plane_engine();
    uint32_t size = site->size;
    if (access_trace_is_on())
        access_trace_miss(plane, address, site, frame);
    switch ((enum plane_routine)frame->routine) {
    case PLANE_ATOMIC_BEFORE:
        change(plane, address, site, ORDER_ACQ_REL);
        break;
    case PLANE_ATOMIC_STORE:
        race_atomic_before(engine, &plane->race, address, size, ORDER_RELEASE);
        break;
    case PLANE_ATOMIC_AFTER:
    case PLANE_ATOMIC_LOAD:
        race_atomic_after(engine, &plane->race, address, size,
                          frame->routine == PLANE_ATOMIC_LOAD ? ORDER_ACQUIRE : ORDER_ACQ_REL);
        break;
    case PLANE_RELAXED_LOAD:
        race_atomic_after(engine, &plane->race, address, size, ORDER_RELAXED);
        break;
    case PLANE_RELAXED_STORE:
        change(plane, address, site, ORDER_RELAXED);
        break;
    case PLANE_FENCE:
        race_fence(engine, &plane->race, ORDER_SEQ_CST);
        break;
    case PLANE_REQUEST:
        ask(plane, frame);
        break;
    case PLANE_READ_RANGE:
    case PLANE_WRITE_RANGE:
        if (frame->rsi != 0)
            record_access(plane, address, frame->rsi, pc_map_site_flags(site));
        break;
    case PLANE_READ_GAPS:
        record_stretches(plane, address, routine_gaps(frame, size), pc_map_site_flags(site));
        break;
    case PLANE_READ_LANES:
    case PLANE_WRITE_LANES:
        record_lanes(plane, address, site, frame);
        break;
    case PLANE_READ_RUN:
    case PLANE_WRITE_RUN:
        frame->rsi = run_take(plane, address, site, frame) ? frame->rsi : 0;
        break;
    default:
        record_access(plane, address, size, pc_map_site_flags(site));
    }
}

void miss(uint64_t address, struct routine_frame *frame, struct plane *plane)
{
    if (plane->header.context_changed)
        miss_callers(frame, plane);
    plane->site = (uintptr_t)frame->return_address;
    note_stack(plane, frame);
    if (!record_shared(plane, address, site_of(frame), frame)) {
        const struct image_site site = site_of(frame);
        plane_settle(plane->self);
        act(plane, address, &site, frame);
    }
    plane->site = 0;
    plane_sync_at(plane->self, (uintptr_t)frame->return_address);
}
