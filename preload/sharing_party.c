#include "preload/sharing_party.h"

#include <string.h>

#include "detector/thread.h"
#include "preload/commons_file.h"
#include "preload/modules.h"
#include "preload/sharing_held.h"
#include "preload/symbolic.h"
#include "preload/thread_records.h"

enum { MODULES_KEPT = 1024 };

_Static_assert((int)COMMONS_SEEN == CLOCK_FOLDED, "clocks are folded as the commons compare them");

/* ---- stacks ------------------------------------------------------------------------------------------------------ */

/* holds the commons' lock */
static uint32_t tell_module(struct commons *c, uint32_t id)
{
    static uint32_t numbers[MODULES_KEPT]; /* the same in every process that shares this memory's contents by fork */
    const struct module *m = module_by_id(id);
    if (m == NULL)
        return 0;
    if (id < MODULES_KEPT && numbers[id] != 0)
        return numbers[id];
    struct commons_module module = {.build_id_size = m->build_id_size};
    memcpy(module.path, m->path, strnlen(m->path, sizeof module.path - 1));
    memcpy(module.build_id, m->build_id, m->build_id_size);
    uint32_t number = commons_add_module(c, &module);
    if (id < MODULES_KEPT)
        numbers[id] = number;
    return number;
}

/* holds the commons' lock */
static struct commons_frame tell_symbolic(struct commons *c, const struct symbolic *frame)
{
    struct commons_module source = {.build_id_size = 0};
    memcpy(source.path, frame->file, strnlen(frame->file, sizeof source.path - 1));
    memcpy(source.function, frame->function, strnlen(frame->function, sizeof source.function - 1));
    return (struct commons_frame){.offset = frame->line, .module = commons_add_module(c, &source)};
}

/* holds the commons' lock */
static struct commons_frame tell_frame(struct commons *c, const struct frame *frame)
{
    const struct symbolic *symbolic = frame->module == FRAME_SYMBOLIC ? symbolic_get(frame->pc) : NULL;
    if (symbolic != NULL)
        return tell_symbolic(c, symbolic);
    const struct module *m = module_by_id(frame->module);
    uint32_t number = tell_module(c, frame->module);
    return (struct commons_frame){
        .offset = number == 0 || m == NULL ? frame->pc : frame->pc - m->bias,
        .module = number,
        .exact = frame->exact,
    };
}

uint32_t sharing_party_tell_stack(struct commons *c, struct stack_id id)
{
    const struct interned_stack *known = stacks_get(id);
    struct commons_stack stack = {.depth = 0};
    for (uint32_t i = 0; known != NULL && i < known->depth && i < COMMONS_FRAMES; i++)
        stack.frames[stack.depth++] = tell_frame(c, &known->frames[i]);
    return commons_add_stack(c, &stack);
}

/* ---- locks of this process alone --------------------------------------------------------------------------------- */

bool sharing_party_is_private(const struct object *o, bool is_wait)
{
    bool is_named = object_alert_any(o, OBJECT_ALERT_SHARED) && relaxed_load(&o->common) != SHARING_NOTHING;
    if (is_named)
        return false;
    if (o->kind == OBJECT_SEMAPHORE)
        return relaxed_load(&o->lock_like) && (!is_wait || relaxed_load(&o->posted_by_holder));
    return object_kind_is_lock(o->kind);
}

struct commons_key sharing_party_key(const struct object *o)
{
    return (struct commons_key){commons_file_process(), relaxed_load(&o->id), relaxed_load(&o->address), o->kind};
}

uint32_t sharing_party_tell_private(struct commons *c, const struct object *o)
{
    struct commons_identity identity = {.key = sharing_party_key(o)};
    uint32_t known = commons_find_private(c, &identity.key);
    if (known != 0)
        return known;
    uintptr_t address = (uintptr_t)identity.key.offset;
    const struct module *m = module_data_contains(address) ? module_of(address) : NULL;
    if (m != NULL)
        identity.place = (struct commons_frame){.offset = address - m->bias, .module = tell_module(c, m->id)};
    identity.init_stack = sharing_party_tell_stack(c, o->init_stack);
    return commons_add_private(c, &identity);
}

/* ---- the thread -------------------------------------------------------------------------------------------------- */

/* holds the commons' lock */
static void add_shared_holds(struct commons *c, const struct sharing_thread *s, struct commons_party *party)
{
    for (uint32_t i = 0; s != NULL && i < s->held_count; i++) {
        const struct shared_hold *hold = &s->held[i];
        party->held[party->held_count++] = (struct commons_lock){
            hold->identity, hold->generation, hold->mode == LOCK_SHARED, sharing_party_tell_stack(c, hold->at)};
    }
}

/* holds the commons' lock */
static void add_private_holds(struct commons *c, const struct held_set *held, bool is_wait, struct commons_party *party)
{
    const struct held_entry *entries = held_entries(held);
    for (uint32_t i = 0; i < held_count(held) && party->held_count < COMMONS_HELD_MAX; i++) {
        const struct object *o = relaxed_load(&entries[i].object);
        if (!held_entry_is_current(&entries[i]) || !sharing_party_is_private(o, is_wait))
            continue;
        uint32_t identity = sharing_party_tell_private(c, o);
        struct stack_id at = {relaxed_load(&entries[i].at)};
        if (identity != 0)
            party->held[party->held_count++] =
                (struct commons_lock){identity, commons_generation(c, identity),
                                      relaxed_load(&entries[i].mode) == LOCK_SHARED, sharing_party_tell_stack(c, at)};
    }
}

bool sharing_party_describe(struct commons *c, struct self *self, const struct sharing_wish *wish,
                            struct commons_party *party)
{
    struct thread_record record = {.tid = self->tid};
    const struct thread_clock *clock = &self->thread->handover;
    memset(party, 0, sizeof *party); /* its padding is sealed too */
    (void)thread_records_get(thread_identity(self->thread), &record);
    party->process = commons_file_process();
    party->thread = thread_identity(self->thread).v;
    party->tid = self->tid;
    memcpy(party->name, record.name, sizeof party->name);
    party->threads = (uint32_t)self_live_count();
    party->slot = clock->slot;
    party->epoch = clock->epoch;
    thread_clock_fold(clock, party->seen);
    party->wanted = wish->lock;
    if (party->wanted.identity == 0) {
        uint32_t identity = sharing_party_tell_private(c, wish->object);
        party->wanted = (struct commons_lock){identity, commons_generation(c, identity), wish->mode == LOCK_SHARED, 0};
    }
    party->wanted.stack = sharing_party_tell_stack(c, wish->at);
    add_shared_holds(c, self->sharing, party);
    add_private_holds(c, &self->thread->seat->held, wish->is_wait, party);
    return party->wanted.identity != 0;
}
