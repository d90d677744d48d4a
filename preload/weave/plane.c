#include "preload/weave/plane.h"

#include <string.h>

#include "preload/abi/request.h"
#include "preload/lockhound.h"
#include "preload/raw.h"
#include "preload/sink.h"
#include "preload/weave/access_trace.h"
#include "preload/weave/plane_pool.h"
#include "preload/weave/race_host.h"
#include "preload/weave/routines.h"
#include "preload/weave/switch.h"
#include "preload/weave/vectors.h"
#include "preload/weave/window.h"

enum { SET_GS = 0x1001 }; /* ARCH_SET_GS of asm/prctl.h */
#define ONES UINT64_C(0x0101010101010101)

static struct race_engine *engine;

struct race_engine *plane_engine(void)
{
    return engine;
}

/* ---- a thread's plane --------------------------------------------------------------------------------------------- */

static bool set_gs(const struct plane_header *header)
{
    return raw_syscall(SYS_arch_prctl, SET_GS, (long)((uintptr_t)header + PLANE_SKEW), 0, 0, 0, 0) == 0;
}

static void show_tag(struct plane *plane)
{
    plane->header.write_tag = plane->race.write_tag * ONES;
    plane->header.read_tag = plane->header.write_tag & plane->header.generations;
}

static bool begin(struct plane *plane, uint32_t number, struct self *self)
{
    char *window = (char *)plane + PLANE_SKEW;
    plane->self = self;
    plane->engine = engine;
    plane->awaited = (struct plane_awaited){0};
    plane->popped = (struct race_popped){0};
    plane->race = (struct race_plane){
        .tags = (uint8_t *)window, .writes = (uint8_t *)window + PLANE_WRITES_AT(window_bits()), .number = number};
    if (!race_plane_begin(engine, &plane->race, self->thread))
        return false;
    history_restart(&plane->history, thread_identity(self->thread).v);
    history_epoch(&plane->history, self->thread->hb.epoch, 0);
    plane->header.generations = PLANE_GENERATION_BITS * ONES;
    plane->header.context_changed = 1;
    plane->header.entered = 0;
    self->stacks.standing.depth = 0;
    self->stacks.standing.entered = &plane->header.entered;
    plane->gate.frame = 0;
    plane->shown_joins = self->thread->hb.joins;
    plane->looks_always = lockhound.options.memory_limit != 0 || lockhound.options.races == RACES_HYBRID;
    plane->chunks = race_chunks(engine);
    plane->number = number;
    plane->high = plane->race.high;
    plane->header.window = plane->race.window;
    show_tag(plane);
    routines_set(&plane->header, true);
    plane->header.own[0] = (uint64_t)(uintptr_t)plane;
    return true;
}

static bool start_own(struct self *self)
{
    uint32_t number = 0;
    struct plane *plane = plane_pool_take(self, &number);
    if (plane == NULL)
        return false;
    if (plane_pool_is_known(number) && !race_plane_follows(&plane->race, self->thread)) {
        race_plane_forget(engine, &plane->race);
        plane_empty(plane);
    }
    bool begun = begin(plane, number, self) && set_gs(&plane->header);
    plane_pool_begin(number, begun);
    if (!begun)
        return false;
    self->plane = plane;
    self->plane_header = &plane->header;
    return true;
}

static struct plane_header *make_blind(pid_t tid)
{
    struct plane_header *header = plane_pool_take_blind(tid);
    if (header == NULL)
        return NULL;
    *header = (struct plane_header){0};
    routines_set(header, false);
    return header;
}

static bool start_blind(struct self *self)
{
    struct plane_header *header = make_blind(self->tid);
    if (header == NULL)
        return false;
    self->plane_header = header;
    sink_note(
        "planes-blind",
        "accesses to memory of some threads are not checked: there is no address space for their planes (see ulimit "
        "-v), or there are too many threads");
    return set_gs(header);
}

static bool start_engine(void)
{
    if (!window_choose())
        return false;
    vectors_init();
    struct race_host host = race_host;
    host.budget = (size_t)lockhound.options.memory_limit << 20;
    host.window_bits = window_bits();
    /* A trace has what a thread alone does again and again. */
    host.threads = access_trace_is_on() ? NULL : &self_known_count;
    engine = race_engine_new(lockhound.detector, &host);
    return engine != NULL && plane_pool_start(engine);
}

bool plane_start(struct self *self)
{
    if (self->plane_header != NULL)
        return true;
    if (weave_on) {
        plane_pool_release_blind(self->tid);
        return start_own(self) || start_blind(self);
    }
    weave_on = start_engine() && start_own(self);
    blocks_on |= weave_on;
    return weave_on;
}

void plane_start_if_woven(struct self *self)
{
    if (weave_on)
        plane_start(self);
}

void plane_start_unknown(void)
{
    if (!weave_on || self_current != NULL)
        return;
    struct plane_header *header = make_blind((pid_t)raw_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0));
    if (header != NULL)
        set_gs(header);
}

struct plane_header *plane_prepare_raw(void)
{
    return make_blind((pid_t)raw_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0));
}

void plane_made_raw(struct plane_header *header, pid_t tid, bool is_process)
{
    if (tid > 0)
        plane_pool_give_blind(header, tid, is_process);
    else
        plane_pool_end_blind(header);
}

void plane_enter_raw(const struct plane_header *header)
{
    set_gs(header);
}

static void stop_own(struct self *self)
{
    struct plane *plane = self->plane;
    routines_set(&plane->header, false);
    race_plane_end(engine, &plane->race, self->stack_low, self->stack_high);
    self->plane = NULL;
    self->stacks.standing.entered = NULL;
    plane->self = NULL;
    plane_pool_end(plane->race.number);
}

void plane_stop(struct self *self)
{
    if (self->plane != NULL)
        stop_own(self);
    else if (self->plane_header != NULL)
        plane_pool_end_blind(self->plane_header);
    self->plane_header = NULL;
}

/* ---- what hooks ask for ------------------------------------------------------------------------------------------- */

void plane_sync_now(struct self *self, uintptr_t site)
{
    struct plane *plane = self->plane;
    plane->shown_joins = self->thread->hb.joins;
    race_plane_advance(engine, &plane->race);
    show_tag(plane); /* also when a verb of race.h moved on by itself */
    history_epoch(&plane->history, self->thread->hb.epoch, site);
}

void plane_sync(struct self *self)
{
    plane_sync_at(self, 0);
}

bool plane_has_moved_on(struct self *self, uintptr_t site)
{
    if (self->plane->history.epoch == self->thread->hb.epoch)
        return false;
    plane_sync_at(self, site);
    return true;
}

void plane_order_unseen(void)
{
    if (engine != NULL)
        race_order_unseen(engine);
}

static void meet(void *self)
{
    request_meet(self);
}

void plane_settle(struct self *self)
{
    struct plane *plane = self->plane;
    if (plane->gate.frame != 0)
        gate_look(self);
    if (race_owes(&plane->race))
        race_settle(engine, &plane->race);
    if (__builtin_expect(plane->awaited.barrier != NULL, 0))
        vectors_apart(&plane->vectors, meet, self);
}

static struct history_hold hold_of(const struct object *object, enum lock_mode mode, struct stack_id at)
{
    return (struct history_hold){.object = (uint64_t)(uintptr_t)object,
                                 .id = object_identity(object).v,
                                 .stack = at,
                                 .shared = mode == LOCK_SHARED};
}

void plane_note_lock(struct self *self, const struct object *object, enum lock_mode mode, struct stack_id at)
{
    const struct history_hold hold = hold_of(object, mode, at);
    history_lock(&self->plane->history, &hold);
}

void plane_note_unlock(struct self *self, const struct object *object, struct stack_id at)
{
    const struct history_hold hold = hold_of(object, LOCK_EXCLUSIVE, at);
    history_unlock(&self->plane->history, &hold);
}

void plane_note_unlocked_at(struct self *self, struct stack_id at)
{
    history_unlocked_at(&self->plane->history, at);
}

void plane_note_sent(struct self *self, const struct object *object, struct stack_id at)
{
    const struct history_hold hold = hold_of(object, LOCK_EXCLUSIVE, at);
    history_send(&self->plane->history, &hold);
}

void plane_note_created(struct self *self, const struct self *created, struct stack_id at)
{
    history_create(&self->plane->history, thread_identity(created->thread).v, at);
}

void plane_spills_save(const struct self *self, struct plane_spills *spills)
{
    const struct plane_header *header = self->plane_header;
    if (header == NULL)
        return;
    memcpy(spills->spill, header->spill, sizeof spills->spill);
    spills->lanes = header->lanes;
    spills->saved_rdi = header->saved_rdi;
    spills->saved_rsi = header->saved_rsi;
}

void plane_spills_restore(struct self *self, const struct plane_spills *spills)
{
    struct plane_header *header = self->plane_header;
    if (header == NULL)
        return;
    memcpy(header->spill, spills->spill, sizeof spills->spill);
    header->lanes = spills->lanes;
    header->saved_rdi = spills->saved_rdi;
    header->saved_rsi = spills->saved_rsi;
    header->context_changed = 1;
}

/* ---- fork --------------------------------------------------------------------------------------------------------- */

void plane_fork_child(struct self *self)
{
    if (!weave_on)
        return;
    race_forked(engine, self->plane == NULL ? NULL : &self->plane->race);
    plane_pool_fork_child(self);
}
