#include "preload/weave/miss.h"

#include "detector/event.h"
#include "preload/abi/request.h"
#include "preload/unwind.h"
#include "preload/weave/pc_map.h"
#include "preload/weave/plane.h"
#include "preload/weave/race_host.h"

/* ---- the site ----------------------------------------------------------------------------------------------------- */

/* Returns: what is known of the site, or NULL: its module was unmapped meanwhile. */
static const struct plane_site *site_of(struct plane *plane, uintptr_t return_address)
{
    struct plane_site *known = &plane->sites[(return_address ^ return_address >> 6) % PLANE_SITES];
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

static uintptr_t stack_pointer(const struct routine_frame *frame)
{
    return (uintptr_t)(frame + 1);
}

/* Returns: the canonical frame address of the function at the site, 0 when it takes unwinding to know. */
static uintptr_t frame_address(const struct plane_site *known, const struct routine_frame *frame)
{
    intptr_t offset = known->site.cfa_offset;
    switch ((enum image_cfa)known->site.cfa) {
    case IMAGE_CFA_RSP:
        return stack_pointer(frame) + (uintptr_t)offset;
    case IMAGE_CFA_RBP:
        return (uintptr_t)frame->rbp + (uintptr_t)offset;
    case IMAGE_CFA_UNKNOWN:
    case IMAGE_CFA_OTHER:
        break;
    }
    return 0;
}

/* What unwinding takes and gives: it is done apart, for it is libunwind's. */
struct walk {
    struct self *self;
    struct unwind_start start;
    uintptr_t cfa; /* 0: not known */
    struct stack_id id;
};

static void walk(void *arg)
{
    struct walk *walk = arg;
    if (walk->cfa != 0) {
        uintptr_t pc = *(const uintptr_t *)(walk->cfa - sizeof(uintptr_t));
        walk->id = stack_cache_take_at(&walk->self->stacks, pc, walk->cfa, &walk->start);
        return;
    }
    struct unwound unwound;
    unwind_from_start(&walk->start, 0, STACK_MAX_DEPTH, &unwound);
    const struct interned_stack *stack = unwound.depth == 0 ? NULL : stacks_intern(unwound.frames, unwound.depth);
    walk->id = stacks_id(stack);
}

static struct stack_id callers_of(struct plane *plane, const struct plane_site *known,
                                  const struct routine_frame *frame)
{
    struct self *self = plane->self;
    uintptr_t cfa = frame_address(known, frame);
    if (cfa != 0) {
        struct stack_id id = stack_cache_find(&self->stacks, *(const uintptr_t *)(cfa - sizeof(uintptr_t)), cfa);
        if (id.v != 0)
            return id;
    }
    struct walk work = {.self = self,
                        .start = {.rip = known->bias + known->site.module,
                                  .rsp = stack_pointer(frame),
                                  .rbp = frame->rbp,
                                  .rbx = frame->rbx,
                                  .r12 = frame->r12,
                                  .r13 = frame->r13,
                                  .r14 = frame->r14,
                                  .r15 = frame->r15},
                        .cfa = cfa};
    vectors_apart(&plane->vectors, walk, &work);
    return work.id;
}

static void take_callers(struct plane *plane, const struct plane_site *known, const struct routine_frame *frame)
{
    /* First: a signal handler that comes in between sets it again. */
    plane->header.context_changed = 0;
    history_context(&plane->history, callers_of(plane, known, frame));
}

/* ---- the access ---------------------------------------------------------------------------------------------------- */

/* The entry comes before the tags: whoever meets those finds it. */
static void record_access(struct plane *plane, uint64_t address, uint64_t size, uint32_t flags)
{
    history_append(&plane->history, plane->site, (uint32_t)address,
                   HISTORY_WHAT(HISTORY_ACCESS, flags, size < HISTORY_SIZE_MAX ? size : HISTORY_SIZE_MAX));
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
    request_do(asked->plane->self, (const uint64_t *)(uintptr_t)asked->frame->rax, stack_pointer(asked->frame),
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
    switch ((enum plane_routine)frame->routine) {
    case PLANE_ATOMIC_BEFORE:
    case PLANE_ATOMIC_STORE:
        race_atomic_before(engine, &plane->race, address, size,
                           frame->routine == PLANE_ATOMIC_STORE ? ORDER_RELEASE : ORDER_SEQ_CST);
        break;
    case PLANE_ATOMIC_AFTER:
    case PLANE_ATOMIC_LOAD:
        race_atomic_after(engine, &plane->race, address, size,
                          frame->routine == PLANE_ATOMIC_LOAD ? ORDER_ACQUIRE : ORDER_SEQ_CST);
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
