/* detector_lock.c: mutexes, read-write locks and spinlocks.  The quick paths are those of a mutex or spinlock without
 * anything to watch for; all else goes through the slow functions. */
#include "detector/locking.h"
#include "detector/loose.h"
#include "detector/order_feed.h"
#include "detector/usage.h"

/* ---- request ---------------------------------------------------------------------------------------------------- */

void detector_lock_request(struct detector *d, struct thread *t, struct object *o, enum lock_mode mode, bool timed,
                           struct stack_id at)
{
    uint32_t watched = OBJECT_ALERT_ORPHANED | OBJECT_ALERT_NOT_MUTEX;
    if (__builtin_expect(t->alert != 0 || object_alert_any(o, watched) || thread_owns(t, o), 0))
        usage_lock_request(d, t, o, mode, timed, at);
    if (t->seat->held.ordered != 0)
        order_feed(d, t, o, mode, at);
}

/* ---- acquired --------------------------------------------------------------------------------------------------- */

static void acquire_clocks(struct thread *t, struct object *o, enum lock_mode mode)
{
    thread_clock_acquire(&t->hb, &o->hb);
    if (o->kind == OBJECT_RWLOCK && mode == LOCK_EXCLUSIVE)
        locking_acquire_shared(&t->hb, o, &o->readers_hb);
    locking_take_handed(t, o);
}

static void watch_taking(struct detector *d, struct thread *t, struct object *o, enum lock_mode mode,
                         struct held_entry *entry, struct stack_id at)
{
    if (entry != NULL) {
        entry->signal_depth = (uint8_t)(t->signal_depth < UINT8_MAX ? t->signal_depth : UINT8_MAX);
        if ((t->alert & THREAD_ALERT_TIMING) != 0)
            entry->since_ns = d->host->now_ns(d->host->ctx);
    }
    if (t->signal_depth == 0 && object_alert_any(o, OBJECT_ALERT_IN_HANDLER))
        usage_signal_outside(d, t, o, at);
    if (t->signal_depth == 0 && mode == LOCK_EXCLUSIVE && object_alert_any(o, OBJECT_ALERT_SIGNALS))
        usage_signal_open(d, t, o, at);
}

static void acquired_slow(struct detector *d, struct thread *t, struct object *o, enum lock_mode mode, bool owner_died,
                          struct stack_id at)
{
    locking_end_wait(t);
    struct held_entry *entry = held_find(&t->seat->held, o);
    if (entry != NULL && held_entry_is_current(entry)) {
        entry->count++;
        return;
    }
    if (entry != NULL)
        (void)held_drop_stale(&t->seat->held);
    loose_lock(t, o);
    if (mode == LOCK_EXCLUSIVE)
        entry = locking_own(d, t, o, true, at);
    else
        entry = held_push(&t->seat->held, d->host, o, LOCK_SHARED, true, at);
    if (entry != NULL)
        entry->inconsistent = owner_died;
    else
        locking_lose_hold(d);
    acquire_clocks(t, o, mode);
    watch_taking(d, t, o, mode, entry, at);
}

void detector_lock_acquired(struct detector *d, struct thread *t, struct object *o, enum lock_mode mode,
                            bool owner_died, struct stack_id at)
{
    uint32_t alert = relaxed_load(&o->alert);
    if (__builtin_expect((t->alert | (alert & OBJECT_ALERT_SLOW)) != 0 || thread_owns(t, o), 0)) {
        acquired_slow(d, t, o, mode, owner_died, at);
        return;
    }
    if (__builtin_expect(locking_own(d, t, o, true, at) == NULL, 0))
        locking_lose_hold(d);
    thread_clock_acquire(&t->hb, &o->hb);
    if (alert != 0)
        locking_take_handed(t, o);
}

/* ---- released --------------------------------------------------------------------------------------------------- */

static void release_clocks(struct thread *t, struct object *o, enum lock_mode mode)
{
    if (mode == LOCK_SHARED)
        locking_release_shared(&t->hb, o, &o->readers_hb);
    else
        thread_clock_release(&t->hb, &o->hb);
}

static void remember_release(struct thread *t, struct object *o, const struct held_entry *entry)
{
    t->last_release = (struct release_record){
        .object = o,
        .owner_before = relaxed_load(&o->owner),
        .serial_before = relaxed_load(&o->serial),
        .was_held = entry != NULL,
    };
    if (entry != NULL) {
        t->last_release.decremented = entry->count > 1;
        t->last_release.mode = (enum lock_mode)relaxed_load(&entry->mode);
        t->last_release.at = (struct stack_id){relaxed_load(&entry->at)};
        t->last_release.inconsistent = entry->inconsistent;
    }
}

/* The thread does not hold it: a stranger's unlock ends the owner's hold where the C library lets it. */
static void release_not_held(struct detector *d, struct thread *t, struct object *o, struct stack_id at)
{
    usage_unlock_not_held(d, t, o, at);
    loose_send(t, o);
    if (relaxed_load(&o->owner) != 0) {
        locking_disown(o);
        locking_release_shared(&t->hb, o, &o->readers_hb);
    }
}

static void released_slow(struct detector *d, struct thread *t, struct object *o, struct stack_id at)
{
    struct held_entry *entry = held_find(&t->seat->held, o);
    if (entry != NULL && !held_entry_is_current(entry)) {
        (void)held_drop_stale(&t->seat->held);
        entry = NULL;
    }
    remember_release(t, o, entry);
    if (entry == NULL) {
        release_not_held(d, t, o, at);
        return;
    }
    if (entry->count > 1) {
        entry->count--;
        return;
    }
    if (entry->inconsistent)
        usage_unlock_inconsistent(d, t, o, at);
    if (entry->since_ns != 0)
        usage_held_too_long(d, t, o, entry, at);
    enum lock_mode mode = (enum lock_mode)relaxed_load(&entry->mode);
    loose_unlock(t, o, entry);
    held_remove(&t->seat->held, entry);
    if (mode == LOCK_EXCLUSIVE)
        relaxed_store(&o->owner, 0);
    release_clocks(t, o, mode);
}

bool detector_lock_release_quickly(struct thread *t, struct object *o, enum object_kind kind)
{
    struct held_set *held = &t->seat->held;
    uint32_t count = held_count(held);
    uint32_t alert = t->alert | (relaxed_load(&o->alert) & OBJECT_ALERT_SLOW);
    if (__builtin_expect(alert != 0 || count == 0 || o->kind != kind, 0))
        return false;
    struct held_entry *top = &held_entries(held)[count - 1];
    bool is_top = relaxed_load(&top->object) == o && relaxed_load(&top->id) == relaxed_load(&o->id) &&
                  relaxed_load(&top->serial) == relaxed_load(&o->serial) && top->count == 1;
    if (__builtin_expect(!is_top || !thread_owns(t, o), 0))
        return false;
    relaxed_store(&held->count, count - 1);
    held->ordered--;
    held->chain = top->chain_below;
    t->last_release.object = o;
    t->last_release.popped = true;
    relaxed_store(&o->owner, 0);
    thread_clock_release(&t->hb, &o->hb);
    return true;
}

void detector_lock_released(struct detector *d, struct thread *t, struct object *o, struct stack_id at)
{
    if (!detector_lock_release_quickly(t, o, o->kind))
        released_slow(d, t, o, at);
}

void detector_lock_unrelease(struct detector *d, struct thread *t, struct object *o)
{
    struct release_record *last = &t->last_release;
    if (last->object != o)
        return;
    last->object = NULL;
    if (last->popped) {
        last->popped = false;
        struct stack_id taken = {relaxed_load(&held_entries(&t->seat->held)[held_count(&t->seat->held)].at)};
        (void)locking_own(d, t, o, true, taken);
    } else if (last->decremented) {
        held_find(&t->seat->held, o)->count++;
    } else if (last->was_held) {
        struct held_entry *entry = last->mode == LOCK_EXCLUSIVE
                                       ? locking_own(d, t, o, true, last->at)
                                       : held_push(&t->seat->held, d->host, o, LOCK_SHARED, true, last->at);
        if (entry != NULL)
            entry->inconsistent = last->inconsistent;
    } else {
        relaxed_store(&o->serial, last->serial_before);
        relaxed_store(&o->owner, last->owner_before);
    }
}

void detector_mutex_consistent(struct detector *d, struct thread *t, struct object *o)
{
    (void)d;
    struct held_entry *entry = held_find(&t->seat->held, o);
    if (entry != NULL)
        entry->inconsistent = false;
}

/* ---- waiting ---------------------------------------------------------------------------------------------------- */

static enum wait_kind wait_kind_of(const struct object *o)
{
    switch ((enum object_kind)o->kind) {
    case OBJECT_SEMAPHORE:
        return WAIT_SEMAPHORE;
    case OBJECT_ONCE:
        return WAIT_ONCE;
    case OBJECT_FUTEX:
        return WAIT_FUTEX;
    default:
        return WAIT_LOCK;
    }
}

void detector_block(struct detector *d, struct thread *t, struct object *o, enum lock_mode mode, bool timed,
                    struct stack_id at)
{
    struct wait_record wait = {
        .kind = wait_kind_of(o),
        .wanted = o,
        .wanted_id = relaxed_load(&o->id),
        .ticket = (uint64_t)relaxed_load(&o->value),
        .mode = mode,
        .timed = timed,
        .at = at,
        .signal_number = t->signal_depth > 0 ? t->signal_number : 0,
    };
    locking_begin_wait(d, t, &wait);
}

void detector_unblock(struct detector *d, struct thread *t)
{
    (void)d;
    locking_end_wait(t);
}

void detector_blocking_call(struct detector *d, struct thread *t, const char *what, struct stack_id at)
{
    if (finding_enabled(d, FINDING_BLOCKING_CALL_WITH_LOCK_HELD) && held_count(&t->seat->held) > 0)
        usage_blocking_call(d, t, what, at);
}
