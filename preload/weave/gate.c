#include "preload/weave/gate.h"

#include "detector/object.h"
#include "preload/emit.h"
#include "preload/intercept/access.h"
#include "preload/weave/blocks.h"
#include "preload/weave/pc_map.h"
#include "preload/weave/routines.h"

/* Of a block that goes, so much counts as accessed.  Units: bytes. */
enum { FREED_CHECKED_MAX = 1024 };

struct noting {
    struct self *self;
    struct gate_call *call;
    struct caller caller;
    uint64_t result;
};

/* The gate leaves RBP to the caller. */
#define CALLER_OF(frame) ((struct caller){(uintptr_t)((frame) + 1), CALLER_BP()})

/* ---- blocks --------------------------------------------------------------------------------------------------------- */

/* Returns: one past the block, at least past `size` bytes. */
static uint64_t block_end(const struct gate_call *call, uint64_t low, uint64_t size)
{
    uint64_t usable = call->usable_size != NULL ? call->usable_size((void *)(uintptr_t)low) : 0;
    return low + (usable > size ? usable : size);
}

static uint64_t size_noted(uint64_t low)
{
    struct block block;
    return blocks_find(low, &block) ? block.size : 1;
}

static bool takes_block(const struct gate_call *call)
{
    return (call->kind == IMAGE_GATE_TAKES || call->kind == IMAGE_GATE_RESIZES ||
            call->kind == IMAGE_GATE_RESIZES_MANY) &&
           call->first != 0;
}

static void note_taken(void *arg)
{
    const struct noting *noting = arg;
    struct gate_call *call = noting->call;
    uint64_t low = call->first;
    call->end = block_end(call, low, size_noted(low));
    uint64_t size = call->end - low;
    uint32_t may_stay = call->kind == IMAGE_GATE_TAKES ? 0 : RACE_READ_MODIFY;
    memory_access_woven(noting->self, (const void *)(uintptr_t)low, size < FREED_CHECKED_MAX ? size : FREED_CHECKED_MAX,
                        RACE_FREE | RACE_WRITE | RACE_LIBRARY | may_stay, access_callers(noting->self, noting->caller));
    blocks_remove(low);
    if (call->kind == IMAGE_GATE_TAKES && object_may_live_in(lockhound.detector, low, call->end))
        emit_object_range_gone(noting->self, low, call->end, true, access_stack(noting->self, noting->caller));
}

static uint64_t size_asked(const struct gate_call *call)
{
    switch ((enum image_gate_kind)call->kind) {
    case IMAGE_GATE_GIVES:
        return call->first;
    case IMAGE_GATE_GIVES_MANY:
        return call->first * call->second;
    case IMAGE_GATE_GIVES_ALIGNED:
    case IMAGE_GATE_RESIZES:
        return call->second;
    case IMAGE_GATE_GIVES_TO:
        return call->third;
    case IMAGE_GATE_RESIZES_MANY:
        return call->second * call->third;
    case IMAGE_GATE_NONE:
    case IMAGE_GATE_TAKES:
    case IMAGE_GATE_INSIDE:
        break;
    }
    return 0;
}

/* Returns: the block that the call has given out, or 0. */
static uint64_t block_given(const struct noting *noting)
{
    const struct gate_call *call = noting->call;
    switch ((enum image_gate_kind)call->kind) {
    case IMAGE_GATE_NONE:
    case IMAGE_GATE_TAKES:
    case IMAGE_GATE_INSIDE:
        return 0;
    case IMAGE_GATE_GIVES_TO:
        return (uint32_t)noting->result == 0 ? *(const uint64_t *)(uintptr_t)call->first : 0;
    case IMAGE_GATE_GIVES:
    case IMAGE_GATE_GIVES_MANY:
    case IMAGE_GATE_GIVES_ALIGNED:
    case IMAGE_GATE_RESIZES:
    case IMAGE_GATE_RESIZES_MANY:
        break;
    }
    return noting->result;
}

/* A block that stays where it was keeps what is known of its bytes. */
static void note_given(void *arg)
{
    const struct noting *noting = arg;
    const struct gate_call *call = noting->call;
    uint64_t low = block_given(noting), size = size_asked(call);
    if (takes_block(call) && low != call->first && (low != 0 || size == 0) &&
        object_may_live_in(lockhound.detector, call->first, call->end))
        emit_object_range_gone(noting->self, call->first, call->end, true, access_stack(noting->self, noting->caller));
    if (low == 0)
        return;
    memory_fresh(noting->self, takes_block(call) && low == call->first ? call->end : low, block_end(call, low, size));
    blocks_add(&(struct block){low, size, access_callers(noting->self, noting->caller),
                               thread_identity(noting->self->thread)});
}

/* ---- the call ------------------------------------------------------------------------------------------------------- */

static struct gate_call describe(const struct gate_frame *frame)
{
    struct gate_call call = {.frame = (uintptr_t)frame, .first = frame->rdi, .second = frame->rsi, .third = frame->rdx};
    const struct woven_image *image = NULL;
    const struct image_gate *gate = pc_map_gate((uintptr_t)frame->body, &image);
    call.kind = gate == NULL ? (uint32_t)IMAGE_GATE_INSIDE : gate->kind;
    call.usable_size = image == NULL ? NULL : image->usable_size;
    return call;
}

/* What comes from the library's own hooks is noted there, and what the library does itself nowhere. */
static void note(struct noting *noting, void (*work)(void *arg))
{
    noting->self = access_enter(noting->caller);
    if (noting->self == NULL)
        return;
    struct plane *plane = noting->self->plane;
    plane->vectors.are_kept = false;
    vectors_apart(&plane->vectors, work, noting);
    access_leave(noting->self);
}

bool gate_enter(const struct gate_frame *frame)
{
    struct self *self = self_current;
    if (self <= SELF_GONE || self->plane == NULL)
        return false; /* the GS base is its creator's still */
    struct plane *plane = self->plane;
    struct gate_call call = describe(frame);
    routines_set(&plane->header, false);
    if (takes_block(&call)) {
        struct noting noting = {.call = &call, .caller = CALLER_OF(frame)};
        note(&noting, note_taken);
    }
    plane->gate = call;
    return true;
}

void gate_leave(const struct gate_frame *frame)
{
    struct self *self = self_current;
    if (self <= SELF_GONE || self->plane == NULL || self->plane->gate.frame != (uintptr_t)frame)
        return;
    struct gate_call *call = &self->plane->gate;
    if (call->kind != IMAGE_GATE_TAKES && call->kind != IMAGE_GATE_INSIDE) {
        struct noting noting = {.call = call, .caller = CALLER_OF(frame), .result = frame->rax};
        note(&noting, note_given);
    }
    call->frame = 0;
    routines_set(&self->plane->header, true);
}

static void end(struct plane *plane)
{
    plane->gate.frame = 0;
    routines_set(&plane->header, true);
}

void gate_abandon(void)
{
    struct self *self = self_current;
    if (self > SELF_GONE && self->plane != NULL && self->plane->gate.frame != 0)
        end(self->plane);
}

void gate_look(struct self *self)
{
    struct plane *plane = self->plane;
    bool is_left = self->inside_frame > plane->gate.frame && self->inside_frame < self->stack_high &&
                   plane->gate.frame >= self->stack_low;
    if (is_left) /* and not on a signal's stack */
        end(plane);
}
