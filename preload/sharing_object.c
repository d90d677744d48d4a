/* sharing_object.c: the calls that concern a lock in shared memory, from the object to its identity. */
#include <string.h>

#include "detector/commons_rest.h"
#include "preload/clock.h"
#include "preload/commons_file.h"
#include "preload/mapping.h"
#include "preload/sharing_held.h"

/* ---- hand-overs -------------------------------------------------------------------------------------------------- */

static void note_sent(struct commons *c, uint32_t identity)
{
    commons_sent(c, commons_file_process(), identity, clock_monotonic_ns());
    sharing_note_hand_over();
}

static void note_heard(struct commons *c, uint32_t identity)
{
    if (commons_heard(c, commons_file_process(), identity))
        sharing_note_hand_over();
}

/* ---- by object --------------------------------------------------------------------------------------------------- */

/* Returns: the identity's number, or SHARING_NOTHING; *is_new when nobody has met it before. */
static uint32_t identify(const struct commons_identity *identity, bool *is_new)
{
    struct commons *c = commons_file_open();
    *is_new = false;
    if (c == NULL || !commons_file_enter(c))
        return SHARING_NOTHING;
    uint32_t number = commons_add_identity(c, identity, is_new);
    commons_file_leave(c);
    return number == 0 ? SHARING_NOTHING : number;
}

/* Whatever its attributes say, nobody else can come by an object in private memory: it is one like any other from now on. */
static uint32_t identify_object(struct object *o)
{
    struct mapping mapping;
    uint64_t address = relaxed_load(&o->address);
    bool is_mapped = mapping_find((uintptr_t)address, &mapping);
    if (is_mapped && !mapping.shared)
        object_alert_not(o, OBJECT_ALERT_SHARED);
    if (!is_mapped || !mapping.shared || mapping.inode == 0)
        return SHARING_NOTHING;
    struct commons_identity identity = {
        .key = {mapping.device, mapping.inode, mapping.offset + (address - mapping.low), o->kind}};
    memcpy(identity.path, mapping.path, strnlen(mapping.path, sizeof identity.path - 1));
    bool is_new;
    uint32_t number = identify(&identity, &is_new);
    if (is_new && o->kind == OBJECT_SEMAPHORE && relaxed_load(&o->value) != 1)
        commons_set_no_lock(commons_file_open(), number);
    return number;
}

void sharing_on_known(struct object *o)
{
    if (relaxed_load(&o->common) == 0)
        relaxed_store(&o->common, identify_object(o));
}

/* Returns: the identity, or 0 when `o` is not shared after all. */
static uint32_t identity_of(struct object *o)
{
    sharing_on_known(o);
    uint32_t number = relaxed_load(&o->common);
    return number == SHARING_NOTHING ? 0 : number;
}

void sharing_on_init(struct object *o)
{
    uint32_t identity = identity_of(o);
    struct commons *c = commons_file_open();
    if (identity == 0 || c == NULL)
        return;
    commons_renew_identity(c, identity);
    if (o->kind == OBJECT_SEMAPHORE && relaxed_load(&o->value) != 1)
        commons_set_no_lock(c, identity);
}

void sharing_on_destroy(struct object *o)
{
    uint32_t identity = identity_of(o);
    struct commons *c = commons_file_open();
    if (identity != 0 && c != NULL)
        commons_renew_identity(c, identity);
}

void sharing_on_request(struct self *self, struct object *o, enum lock_mode mode, struct stack_id at)
{
    uint32_t identity = identity_of(o);
    if (identity != 0)
        sharing_request(self, identity, mode, at);
}

void sharing_on_acquired(struct self *self, struct object *o, enum lock_mode mode, struct stack_id at)
{
    uint32_t identity = identity_of(o);
    struct commons *c = commons_file_open();
    if (identity == 0 || c == NULL)
        return;
    note_heard(c, identity);
    if (!commons_is_no_lock(c, identity))
        sharing_acquired(self, identity, mode, at);
}

void sharing_on_released(struct self *self, struct object *o)
{
    uint32_t identity = identity_of(o);
    if (identity != 0)
        sharing_released(self, identity);
}

void sharing_on_posted(struct self *self, struct object *o)
{
    uint32_t identity = identity_of(o);
    struct commons *c = commons_file_open();
    if (identity == 0 || c == NULL)
        return;
    commons_semaphore_posted(c, identity);
    if (self->sharing != NULL && sharing_held_find(self->sharing, identity) != NULL) {
        sharing_released(self, identity);
        return;
    }
    if (!commons_is_no_lock(c, identity))
        commons_set_no_lock(c, identity);
    note_sent(c, identity);
}

void sharing_on_signal(struct self *self, struct object *cond, bool is_broadcast)
{
    uint32_t identity = identity_of(cond);
    struct commons *c = commons_file_open();
    if (identity == 0 || c == NULL)
        return;
    commons_cond_signalled(c, identity, is_broadcast);
    note_sent(c, identity);
    /* Who comes too late to wait for a signal learns of it by the mutex. */
    for (uint32_t i = 0; self->sharing != NULL && i < self->sharing->held_count; i++)
        note_sent(c, self->sharing->held[i].identity);
}

void sharing_on_arrive(struct object *barrier)
{
    uint32_t identity = identity_of(barrier);
    struct commons *c = commons_file_open();
    if (identity == 0 || c == NULL)
        return;
    commons_barrier_arrived(c, identity);
    note_sent(c, identity);
}

void sharing_on_cond_wait(struct self *self, struct object *cond)
{
    uint32_t identity = identity_of(cond);
    struct commons *c = commons_file_open();
    if (identity != 0 && c != NULL)
        self->shared_signals = commons_cond_waits(c, identity);
}

void sharing_on_cond_woken(struct self *self, struct object *cond, bool by_signal)
{
    uint32_t identity = identity_of(cond);
    struct commons *c = commons_file_open();
    if (identity == 0 || c == NULL)
        return;
    commons_cond_woken(c, identity, by_signal, self->shared_signals);
    if (by_signal)
        note_heard(c, identity);
}

void sharing_on_heard(struct object *o)
{
    uint32_t identity = identity_of(o);
    struct commons *c = commons_file_open();
    if (identity != 0 && c != NULL)
        note_heard(c, identity);
}

void sharing_on_block(struct self *self, struct object *o, enum lock_mode mode, struct stack_id at)
{
    uint32_t identity = identity_of(o);
    if (identity != 0)
        sharing_block(self, identity, mode, at);
}

uint32_t sharing_identify_range(const struct sharing_range *range, const char *path)
{
    struct commons_identity identity = {.key = {range->device, range->inode, range->low, range->kind}};
    bool is_new;
    memcpy(identity.path, path, strnlen(path, sizeof identity.path - 1));
    uint32_t number = identify(&identity, &is_new);
    return number == SHARING_NOTHING ? 0 : number;
}
