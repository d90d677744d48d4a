#include "preload/weave/miss.h"

#include "detector/event.h"
#include "preload/abi/request.h"
#include "preload/weave/access_trace.h"
#include "preload/weave/callers.h"
#include "preload/weave/pc_map.h"
#include "preload/weave/plane.h"
#include "preload/weave/race_host.h"

/* ---- the site ----------------------------------------------------------------------------------------------------- */

/* Other code may stand where that of a module stood that was unloaded. */
static void forget_sites(struct plane *plane, uint32_t removals)
{
    plane->site_alone.return_address = 0;
    for (size_t i = 0; plane->sites != NULL && i < PLANE_SITES; i++)
        plane->sites[i].return_address = 0;
    plane->removals = removals;
}

/* Returns: what is known of the site, or NULL: its module was unmapped meanwhile.  It stays until the next look-up. */
static const struct plane_site *site_of(struct plane *plane, uintptr_t return_address)
{
    uint32_t removals = pc_map_removals();
    if (plane->removals != removals)
        forget_sites(plane, removals);
    struct plane_site *known =
        plane->sites == NULL ? &plane->site_alone : &plane->sites[(return_address ^ return_address >> 9) % PLANE_SITES];
    if (known->return_address == return_address)
        return known;
    const struct module *module = NULL;
    const struct image_site *site = pc_map_site(return_address, &module);
    if (site == NULL)
        return NULL;
    known->return_address = return_address;
    known->bias = module->bias;
    known->site = *site;
    return known;
}

/* ---- the callers -------------------------------------------------------------------------------------------------- */

static void take_callers(struct plane *plane, const struct plane_site *known, const struct routine_frame *frame)
{
    /* First: a signal handler that comes in between sets it again. */
    plane->header.context_changed = 0;
    history_context(&plane->history, callers_take(plane, known, frame));
}

/* ---- the access ---------------------------------------------------------------------------------------------------- */

/* The entry comes before the tags: whoever meets those finds it.  A loop that waits for an atomic comes here in each round, and
 * must not push out what its thread did before. */
static void record_access(struct plane *plane, uint64_t address, uint64_t size, uint32_t flags)
{
    struct history *history = &plane->history;
    uint32_t what = HISTORY_WHAT(HISTORY_ACCESS, flags, size < HISTORY_SIZE_MAX ? size : HISTORY_SIZE_MAX);
    if (!history_has_just(history, plane->site, (uint32_t)address, what))
        history_append(history, plane->site, (uint32_t)address, what);
    race_access(plane_engine(), &plane->race, address, size, flags);
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

static void act(struct plane *plane, uint64_t address, const struct plane_site *known,
                const struct routine_frame *frame)
{
    struct race_engine *engine = plane_engine();
    uint32_t size = known->site.size;
    if (access_trace_is_on())
        access_trace_miss(plane, address, known, frame);
    switch ((enum plane_routine)frame->routine) {
    case PLANE_ATOMIC_BEFORE:
        if ((known->site.flags & IMAGE_SITE_ADDS) != 0)
            race_atomic_add(engine, &plane->race, address, size);
        else
            race_atomic_before(engine, &plane->race, address, size, ORDER_ACQ_REL);
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
        race_atomic_before(engine, &plane->race, address, size, ORDER_RELAXED);
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
            record_access(plane, address, frame->rsi, pc_map_site_flags(&known->site));
        break;
    default:
        record_access(plane, address, size, pc_map_site_flags(&known->site));
    }
}

void miss_callers(const struct routine_frame *frame, struct plane *plane)
{
    const struct plane_site *known = site_of(plane, (uintptr_t)frame->return_address);
    if (known != NULL)
        take_callers(plane, known, frame);
}

void miss(uint64_t address, const struct routine_frame *frame, struct plane *plane)
{
    const struct plane_site *known = site_of(plane, (uintptr_t)frame->return_address);
    if (known == NULL)
        return;
    if (plane->header.context_changed)
        take_callers(plane, known, frame);
    plane_settle(plane->self);
    plane->site = (uintptr_t)frame->return_address;
    act(plane, address, known, frame);
    plane->site = 0;
    plane_sync_at(plane->self, (uintptr_t)frame->return_address);
}
