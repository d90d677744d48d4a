#include "preload/weave/access_trace.h"

#include <stdatomic.h>

#include "preload/modules.h"
#include "preload/trace.h"
#include "preload/weave/callers.h"
#include "preload/weave/lanes.h"
#include "preload/weave/pc_map.h"
#include "preload/weave/plane.h"

static _Atomic uint64_t accesses; /* relaxed: a count; those beyond the bound are in it too */

struct line {
    struct self *self;
    struct event event;
    struct frame site;
};

/* Apart, for it uses vector registers. */
static void write_line(void *arg)
{
    struct line *line = arg;
    if (line->site.module == 0 && line->site.pc != 0) {
        const struct module *module = module_of(line->site.pc);
        line->site = frame_of(line->site.pc, module == NULL ? 0 : module->id, line->site.exact);
    }
    trace_access(line->self, &line->event, &line->site);
}

static void add_line(struct plane *plane, struct line *line)
{
    if (atomic_fetch_add_explicit(&accesses, 1, memory_order_relaxed) < (uint64_t)lockhound.options.trace_accesses)
        vectors_apart(&plane->vectors, write_line, line);
}

uint64_t access_trace_left(void)
{
    uint64_t count = atomic_load_explicit(&accesses, memory_order_relaxed),
             most = (uint64_t)lockhound.options.trace_accesses;
    return count > most ? count - most : 0;
}

static enum event_kind kind_of_access(uint32_t flags)
{
    bool is_write = (flags & RACE_WRITE) != 0;
    if ((flags & RACE_GUESS) != 0)
        return is_write ? EVENT_ATOMIC_STORE : EVENT_ATOMIC_LOAD;
    return is_write ? EVENT_WRITE : EVENT_READ;
}

/* Returns: false for what is no access. */
static bool kind_of_miss(const struct image_site *site, const struct routine_frame *frame, struct event *event)
{
    event->size = site->size;
    switch ((enum plane_routine)frame->routine) {
    case PLANE_ATOMIC_BEFORE:
    case PLANE_ATOMIC_STORE:
    case PLANE_RELAXED_STORE:
        event->kind = EVENT_ATOMIC_STORE;
        return true;
    case PLANE_ATOMIC_AFTER:
    case PLANE_ATOMIC_LOAD:
    case PLANE_RELAXED_LOAD:
        event->kind = EVENT_ATOMIC_LOAD;
        return true;
    case PLANE_FENCE:
    case PLANE_REQUEST:
    case PLANE_READ_RUN: /* they are refused, and come one by one */
    case PLANE_WRITE_RUN:
        return false;
    case PLANE_READ_RANGE:
    case PLANE_WRITE_RANGE:
        event->size = frame->rsi;
        break;
    default:
        break;
    }
    event->kind = kind_of_access(pc_map_site_flags(site));
    return event->size != 0;
}

static void add_stretches(struct plane *plane, struct line *line, uint64_t used)
{
    uint64_t address = line->event.object;
    struct image_stretch stretch;
    while (image_stretch_next(&used, &stretch)) {
        line->event.object = address + stretch.at;
        line->event.size = stretch.size;
        add_line(plane, line);
    }
}

static void add_lanes(struct plane *plane, struct line *line, const struct image_site *site,
                      const struct routine_frame *frame)
{
    struct lanes_walk walk = lanes_begin(&plane->header, line->event.object, site, frame);
    while (lanes_next(&walk, &line->event.object, &line->event.size))
        add_line(plane, line);
}

void access_trace_miss(struct plane *plane, uint64_t address, const struct image_site *site,
                       const struct routine_frame *frame)
{
    struct line line = {.self = plane->self, .event = {.flags = EVENT_HAS_SIZE, .object = address}};
    if (!kind_of_miss(site, frame, &line.event))
        return;
    line.site.pc = pc_map_site_address((uintptr_t)frame->return_address);
    if (frame->routine == PLANE_READ_GAPS)
        add_stretches(plane, &line, routine_gaps(frame, site->size));
    else if (frame->routine == PLANE_READ_LANES || frame->routine == PLANE_WRITE_LANES)
        add_lanes(plane, &line, site, frame);
    else
        add_line(plane, &line);
}

void access_trace_library(struct self *self, uint64_t address, uint64_t size, uint32_t flags, struct callers_id at)
{
    struct line line = {
        .self = self,
        .event = {.kind = kind_of_access(flags), .flags = EVENT_HAS_SIZE, .object = address, .size = size}};
    callers_frames(at, &line.site, 1);
    add_line(self->plane, &line);
}

void access_trace_fresh(struct self *self, uint64_t low, uint64_t high)
{
    struct line line = {.self = self,
                        .event = {.kind = EVENT_ALLOCATE, .flags = EVENT_HAS_SIZE, .object = low, .size = high - low}};
    add_line(self->plane, &line);
}
