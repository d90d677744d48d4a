/* detector_thread.c: birth, end, joining and detaching of threads. */
#include "detector/asleep.h"
#include "detector/locking.h"
#include "detector/loose.h"
#include "detector/usage.h"

#include <string.h>

size_t thread_size(void)
{
    return (sizeof(struct thread) + 63) & ~(size_t)63;
}

struct thread_id thread_identity(const struct thread *t)
{
    return t->id;
}

bool thread_holds_any(const struct thread *t)
{
    return held_count(&t->seat->held) > 0;
}

/* ---- birth ------------------------------------------------------------------------------------------------------ */

static void thread_sit_down(struct detector *d, struct thread *t)
{
    detector_enter(d, RANK_REGISTRY);
    struct seat *seat = registry_take_seat(&d->registry);
    if (seat != NULL) {
        t->id = (struct thread_id){relaxed_load(&seat->thread)};
        seat->owner = t;
        seat->created_at = t->created_at;
    } else {
        t->id = (struct thread_id){++d->registry.last_thread};
    }
    detector_leave(d, RANK_REGISTRY);
    if (seat == NULL) {
        /* Nobody will see it wait, and its clock stands in another's slot: no race is claimed any more. */
        atomic_fetch_add_explicit(&d->lost_history, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&d->lost_orders, 1, memory_order_relaxed);
        seat = &t->unlisted;
        relaxed_store(&seat->thread, t->id.v);
        held_clear(&seat->held);
    }
    t->seat = seat;
    t->self = OWNER(seat->number, t->id.v);
}

void detector_thread_create(struct detector *d, struct thread *t, struct thread *parent, bool detached,
                            struct stack_id at)
{
    memset(t, 0, sizeof *t);
    t->creator = parent == NULL ? (struct thread_id){0} : parent->id;
    t->created_at = at;
    t->detached = detached;
    thread_sit_down(d, t);
    t->spares.pool = &d->clocks;
    t->born_in = t->seat->hb_epoch + 1;
    thread_clock_init(&t->hb, &t->spares, t->seat->number, t->born_in);
    thread_clock_init(&t->handover, &t->spares, t->seat->number, t->seat->handover_epoch + 1);
    if (d->options.hybrid_races) {
        loose_create(parent, t);
        t->alert |= THREAD_ALERT_LOOSE;
    }
    if (parent != NULL) {
        struct clock_stamp hb = thread_clock_send(&parent->hb);
        struct clock_stamp handover = thread_clock_send(&parent->handover);
        t->created_in = hb.epoch;
        thread_clock_receive(&t->hb, &hb);
        thread_clock_receive(&t->handover, &handover);
    }
    if (finding_enabled(d, FINDING_LOCK_HELD_TOO_LONG))
        t->alert |= THREAD_ALERT_TIMING;
    atomic_fetch_add_explicit(&d->threads, 1, memory_order_relaxed); /* a statistic */
}

void detector_thread_start(struct detector *d, struct thread *t)
{
    (void)d;
    relaxed_store(&t->seat->state, THREAD_RUNNING);
}

/* ---- end -------------------------------------------------------------------------------------------------------- */

/* The next one to take a robust mutex of its is told of its end (EOWNERDEAD), and comes behind all that it did. */
static void release_robust(struct thread *t)
{
    struct held_set *held = &t->seat->held;
    for (uint32_t i = 0; i < held_count(held); i++) {
        struct held_entry *entry = &held_entries(held)[i];
        struct object *o = relaxed_load(&entry->object);
        if (object_alert_any(o, OBJECT_ALERT_ROBUST) && held_entry_is_current(entry)) {
            loose_unlock(t, o, entry);
            thread_clock_release(&t->hb, &o->hb);
        }
    }
}

void detector_thread_end(struct detector *d, struct thread *t, struct stack_id at)
{
    if (relaxed_load(&t->seat->state) == THREAD_ENDED)
        return;
    locking_end_wait(t);
    usage_thread_end(d, t, at);
    release_robust(t);
    loose_end(t);
    struct clock_stamp hb = thread_clock_send(&t->hb);
    struct clock_stamp handover = thread_clock_send(&t->handover);
    clock_stamp_assign(&t->end_hb, &hb);
    clock_stamp_assign(&t->end_handover, &handover);
    detector_enter(d, RANK_ORDER_GRAPH);
    lock_order_thread_ended(d->order, t->id);
    detector_leave(d, RANK_ORDER_GRAPH);
    detector_enter(d, RANK_REGISTRY);
    /* seq_cst: ended before it looks whether the others sleep; partner: their looks after publishing a wait */
    atomic_store(&t->seat->state, THREAD_ENDED);
    d->registry.live -= t->seat != &t->unlisted;
    detector_leave(d, RANK_REGISTRY);
    if (finding_enabled(d, FINDING_DEADLOCK))
        asleep_check(d, NULL);
}

void detector_thread_forget(struct detector *d, struct thread *t)
{
    thread_clock_drop(&t->hb);
    thread_clock_drop(&t->handover);
    clock_stamp_drop(&t->end_hb);
    clock_stamp_drop(&t->end_handover);
    loose_forget(t);
    clock_spares_return(&t->spares);
    if (t->scratch != NULL) {
        d->host->free(d->host->ctx, t->scratch, t->scratch_count * sizeof *t->scratch);
        t->scratch = NULL;
    }
    if (t->seat == &t->unlisted) {
        held_delete(&t->unlisted.held, d->host);
        return;
    }
    detector_enter(d, RANK_REGISTRY);
    bool never_ended = relaxed_load(&t->seat->state) != THREAD_ENDED;
    d->registry.live -= never_ended;
    t->seat->hb_epoch = t->hb.epoch;
    t->seat->handover_epoch = t->handover.epoch;
    registry_free_seat(&d->registry, t->seat);
    detector_leave(d, RANK_REGISTRY);
}

/* ---- join and detach -------------------------------------------------------------------------------------------- */

void detector_thread_cancelled(struct thread *target)
{
    /* seq_cst: before the caller's own wait is published; partner: seat_publish_wait() */
    atomic_store(&target->seat->is_cancelled, true);
}

static void set_let_go(struct thread *target, const struct thread *by, struct stack_id at)
{
    relaxed_store(&target->let_go_at, at.v);
    relaxed_store(&target->let_go_by, by->id.v);
}

struct thread_past thread_past(const struct thread *t)
{
    return (struct thread_past){
        .id = t->id, .by = {relaxed_load(&t->let_go_by)}, .at = {relaxed_load(&t->let_go_at)}, .was_joined = t->joined};
}

static void set_joiner(struct detector *d, struct thread *target, uint32_t joiner)
{
    detector_enter(d, RANK_REGISTRY);
    relaxed_store(&target->joiner, joiner);
    detector_leave(d, RANK_REGISTRY);
}

void detector_join_request(struct detector *d, struct thread *t, struct thread *target, bool timed, struct stack_id at)
{
    if (target == NULL || usage_join(d, t, target, at))
        return;
    set_joiner(d, target, t->id.v);
    set_let_go(target, t, at);
    if (relaxed_load(&target->seat->state) == THREAD_ENDED)
        return;
    struct wait_record wait = {
        .kind = WAIT_JOIN,
        .wanted_id = target->id.v,
        .target_seat = target->seat->number,
        .timed = timed,
        .at = at,
        .signal_number = t->signal_depth > 0 ? t->signal_number : 0,
    };
    locking_begin_wait(d, t, &wait);
}

void detector_joined(struct detector *d, struct thread *t, struct thread *target)
{
    locking_end_wait(t);
    if (target == NULL)
        return;
    set_joiner(d, target, 0);
    target->joined = true;
    if (relaxed_load(&target->let_go_by) != t->id.v) /* by a call that does not wait */
        set_let_go(target, t, (struct stack_id){0});
    loose_join(t, target);
    thread_clock_receive(&t->hb, &target->end_hb);
    thread_clock_receive(&t->handover, &target->end_handover);
}

void detector_join_failed(struct detector *d, struct thread *t, struct thread *target)
{
    locking_end_wait(t);
    if (target != NULL && relaxed_load(&target->joiner) == t->id.v)
        set_joiner(d, target, 0);
}

void detector_detach(struct detector *d, struct thread *t, struct thread *target, struct stack_id at)
{
    if (target != NULL) {
        usage_detach(d, t, target, at);
        if (!target->detached && !target->joined)
            set_let_go(target, t, at);
        target->detached = true;
    }
}

void detector_stale_join(struct detector *d, struct thread *t, const struct thread_past *gone, struct stack_id at)
{
    usage_stale_thread(d, t, FINDING_DOUBLE_JOIN, gone, at);
}

void detector_stale_detach(struct detector *d, struct thread *t, const struct thread_past *gone, struct stack_id at)
{
    usage_stale_thread(d, t, FINDING_DOUBLE_DETACH, gone, at);
}

/* Returns: the thread, where it still runs.  Context: holds RANK_REGISTRY. */
static const struct thread *thread_that_runs(const struct detector *d, struct thread_id id)
{
    for (uint32_t i = 0; i < relaxed_load(&d->registry.count); i++) {
        const struct seat *seat = registry_seat(&d->registry, i);
        if (relaxed_load(&seat->thread) == id.v && relaxed_load(&seat->state) != THREAD_ENDED)
            return seat->owner;
    }
    return NULL;
}

/* Returns: whether the thread's creator, another than `t`, may be about to detach it: nothing of what it did since orders it with
 * anybody.  Context: holds RANK_REGISTRY. */
static bool may_be_detached(const struct detector *d, const struct thread *t, const struct thread *ended)
{
    const struct thread *creator = thread_that_runs(d, ended->creator);
    /* volatile: it goes on meanwhile, and what is seen of it may be old */
    return creator != NULL && creator != t && *(const volatile uint64_t *)&creator->hb.epoch == ended->created_in + 1;
}

void detector_process_end(struct detector *d, struct thread *t)
{
    for (uint32_t i = 0; i < relaxed_load(&d->registry.count); i++) {
        detector_enter(d, RANK_REGISTRY);
        struct seat *seat = registry_seat(&d->registry, i);
        struct thread *owner = relaxed_load(&seat->state) == THREAD_ENDED ? seat->owner : NULL;
        bool is_leak = owner != NULL && !owner->detached && !owner->joined && relaxed_load(&owner->joiner) == 0 &&
                       owner->creator.v != 0 && !may_be_detached(d, t, owner);
        struct thread_id leaked = {relaxed_load(&seat->thread)};
        struct stack_id created_at = seat->created_at;
        detector_leave(d, RANK_REGISTRY);
        if (is_leak)
            usage_thread_leak(d, leaked, created_at);
    }
}
