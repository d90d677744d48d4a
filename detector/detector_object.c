/* detector_object.c: the life of synchronisation objects, from their first use to the freeing of their memory. */
#include "detector/order_feed.h"
#include "detector/usage.h"

struct object *object_find(struct detector *d, uint64_t address)
{
    struct object *o = object_table_find(&d->objects, address);
    return o != NULL && object_is_live_at(o, address) ? o : NULL;
}

bool object_may_live_in(const struct detector *d, uint64_t low, uint64_t high)
{
    return presence_may_hold(&d->objects.presence, low, high);
}

/* ---- birth ------------------------------------------------------------------------------------------------------ */

static uint32_t alerts_of(enum object_kind kind, const struct object_traits *traits)
{
    uint32_t alerts = kind == OBJECT_MUTEX || kind == OBJECT_SPINLOCK ? 0u : (uint32_t)OBJECT_ALERT_NOT_MUTEX;
    alerts |= traits->robust ? (uint32_t)OBJECT_ALERT_ROBUST : 0u;
    alerts |= traits->process_shared ? (uint32_t)OBJECT_ALERT_SHARED : 0u;
    return alerts;
}

static void drop_clocks(struct object *o)
{
    object_enter(o);
    sync_clock_drop(&o->hb);
    sync_clock_drop(&o->handed);
    sync_clock_drop(&o->readers_hb);
    sync_clock_drop(&o->loose);
    sync_clock_drop(&o->unlocked);
    object_leave(o);
}

/* Makes `o`, whose id is fresh, a live object of this kind.  Context: holds RANK_OBJECTS. */
static void object_start(struct object *o, enum object_kind kind, uint64_t address, const struct object_traits *traits)
{
    drop_clocks(o);
    relaxed_store(&o->owner, 0);
    relaxed_store(&o->serial, relaxed_load(&o->serial) + 1);
    relaxed_store(&o->alert, alerts_of(kind, traits));
    o->kind = (uint8_t)kind;
    o->type = (uint8_t)traits->type;
    o->prefers_writers = traits->prefers_writers;
    o->is_static = traits->is_static;
    o->schedules = traits->schedules;
    o->init_thread = (struct thread_id){0};
    o->init_stack = (struct stack_id){0};
    o->end_thread = (struct thread_id){0};
    o->end_stack = (struct stack_id){0};
    relaxed_store(&o->common, 0);
    relaxed_store(&o->in_order, false);
    relaxed_store(&o->handler_signal, 0);
    o->open_signals = 0;
    o->masked_takings = 0;
    relaxed_store(&o->value, kind == OBJECT_SEMAPHORE ? (int64_t)traits->count : 0);
    o->count = traits->count;
    relaxed_store(&o->is_uneven, false);
    relaxed_store(&o->waiters, 0);
    relaxed_store(&o->partner, NULL);
    relaxed_store(&o->partner_id, 0);
    relaxed_store(&o->idle_signals, 0);
    relaxed_store(&o->lock_like, kind == OBJECT_SEMAPHORE && traits->count == 1);
    relaxed_store(&o->units,
                  kind == OBJECT_SEMAPHORE && traits->count > 1 && !traits->process_shared ? traits->count : 0);
    relaxed_store(&o->posted_by_holder, false);
    /* release: a live object is complete; partner: object_is_live_at() and the program's own passing on of it */
    atomic_store_explicit(&o->live_address, address, memory_order_release);
}

/* Returns: a new generation at `address`, in the memory of what was there before, or NULL without memory.  With
 * `adopts` a live object of the kind stays: another thread has adopted it meanwhile. */
static struct object *new_generation(struct detector *d, enum object_kind kind, uint64_t address,
                                     const struct object_traits *traits, bool adopts)
{
    detector_enter(d, RANK_OBJECTS);
    struct object *o = object_table_find(&d->objects, address);
    if (adopts && o != NULL && object_is_live_at(o, address) && o->kind == (uint8_t)kind) {
        detector_leave(d, RANK_OBJECTS);
        return o;
    }
    if (o != NULL) {
        relaxed_store(&o->live_address, 0);
        object_table_renew(&d->objects, o);
    } else {
        o = object_table_insert(&d->objects, address);
    }
    if (o != NULL) {
        object_start(o, kind, address, traits);
        if (relaxed_load(&d->signals) != 0)
            atomic_fetch_or_explicit(&o->alert, OBJECT_ALERT_SIGNALS, memory_order_relaxed); /* as every bit */
    }
    detector_leave(d, RANK_OBJECTS);
    /* statistics */
    atomic_fetch_add_explicit(o != NULL ? &d->kinds[kind] : &d->lost_objects, 1, memory_order_relaxed);
    return o;
}

/* The child of a fork may make anew what it inherited, whoever held it: that is how libraries mend their locks there. */
static bool is_inherited(const struct detector *d, const struct object *o)
{
    return relaxed_load(&o->id) <= d->inherited_objects;
}

struct object *object_init(struct detector *d, struct thread *t, enum object_kind kind, uint64_t address,
                           const struct object_traits *traits, struct stack_id at)
{
    struct object *before = object_table_find(&d->objects, address);
    if (before != NULL && object_is_live_at(before, address) && !is_inherited(d, before)) {
        bool was_in_use = usage_object_end(d, t, before, END_REINIT, at);
        if (!was_in_use && traits->is_static && before->kind == (uint8_t)kind)
            usage_double_init(d, t, before, at);
    }
    if (before != NULL)
        order_forget(d, before);
    struct object *o = new_generation(d, kind, address, traits, false);
    if (o != NULL) {
        o->init_thread = t->id;
        o->init_stack = at;
    }
    return o;
}

/* Returns: true when memory at the address of `before` may have become another object without our seeing it. */
static bool may_be_reused(const struct object *before, enum object_kind kind, const struct object_traits *traits)
{
    bool has_static_initialiser = kind != OBJECT_SEMAPHORE && kind != OBJECT_BARRIER;
    if (!traits->was_initialised || !has_static_initialiser)
        return false;
    /* Only a mutex shows in its content whether it was destroyed. */
    return !traits->is_static || (kind == OBJECT_MUTEX && !object_is_live_at(before, relaxed_load(&before->address)));
}

/* Returns: what lies at the address.  An object that another thread is just making is found before it is live: the lock is
 * that thread's until it is. */
static struct object *find_made(struct detector *d, uint64_t address)
{
    struct object *o = object_table_find(&d->objects, address);
    if (o != NULL && !object_is_live_at(o, address)) {
        detector_enter(d, RANK_OBJECTS);
        o = object_table_find(&d->objects, address);
        detector_leave(d, RANK_OBJECTS);
    }
    return o;
}

struct object *object_adopt(struct detector *d, struct thread *t, enum object_kind kind, uint64_t address,
                            const struct object_traits *traits, struct stack_id at)
{
    struct object *before = find_made(d, address);
    bool is_live = before != NULL && object_is_live_at(before, address);
    if (is_live && before->kind == (uint8_t)kind)
        return before; /* another thread was quicker */
    bool is_sound = before != NULL ? may_be_reused(before, kind, traits) : traits->was_initialised;
    if (before != NULL && !is_sound) {
        if (is_live)
            usage_invalid(d, t, before, at);
        else
            usage_after_destroy(d, t, before, at);
    }
    if (before != NULL)
        order_forget(d, before);
    struct object *o = new_generation(d, kind, address, traits, true);
    if (o != NULL && !is_sound)
        atomic_fetch_or_explicit(&o->alert, OBJECT_ALERT_UNSOUND, memory_order_relaxed); /* others see it soon enough */
    if (o != NULL && before == NULL && !is_sound)
        usage_uninitialized(d, t, o, at);
    return o;
}

bool object_check_kind(struct detector *d, struct thread *t, struct object *o, enum object_kind kind,
                       struct stack_id at)
{
    if (o->kind == (uint8_t)kind)
        return true;
    if (o->is_static)
        usage_invalid(d, t, o, at);
    return false;
}

/* ---- death ------------------------------------------------------------------------------------------------------ */

void object_destroy(struct detector *d, struct thread *t, struct object *o, struct stack_id at)
{
    bool was_in_use = usage_object_end(d, t, o, END_DESTROY, at);
    if (was_in_use && o->kind == OBJECT_MUTEX && usage_object_is_held(d, o))
        return; /* the C library refuses with EBUSY: the mutex lives on */
    order_forget(d, o);
    detector_enter(d, RANK_OBJECTS);
    relaxed_store(&o->live_address, 0);
    relaxed_store(&o->alert, relaxed_load(&o->alert) | OBJECT_ALERT_DESTROYED);
    o->end_thread = t->id;
    o->end_stack = at;
    detector_leave(d, RANK_OBJECTS);
    drop_clocks(o);
}

static void free_taken(struct detector *d, struct object *taken)
{
    while (taken != NULL) {
        struct object *next = relaxed_load(&taken->next);
        order_forget(d, taken);
        drop_clocks(taken);
        detector_enter(d, RANK_OBJECTS);
        object_table_recycle(&d->objects, taken);
        detector_leave(d, RANK_OBJECTS);
        taken = next;
    }
}

void object_range_gone(struct detector *d, struct thread *t, uint64_t low, uint64_t high, bool was_freed,
                       struct stack_id at)
{
    if (!presence_may_hold(&d->objects.presence, low, high))
        return;
    detector_enter(d, RANK_OBJECTS);
    struct object *taken = object_table_take_range(&d->objects, low, high);
    detector_leave(d, RANK_OBJECTS);
    for (struct object *o = taken; was_freed && o != NULL; o = relaxed_load(&o->next))
        if (!object_alert_any(o, OBJECT_ALERT_DESTROYED))
            (void)usage_object_end(d, t, o, END_FREE, at);
    free_taken(d, taken);
}
