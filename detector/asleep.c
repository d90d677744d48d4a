#include "detector/asleep.h"

#include "detector/wait_for.h"

/* ---- one thread ------------------------------------------------------------------------------------------------- */

/* Returns: true when a lock that others only read keeps this wait out: it wants to write, or writers go first. */
static bool readers_keep_out(const struct wait_record *wait)
{
    return wait->mode == LOCK_EXCLUSIVE || wait->wanted->prefers_writers;
}

/* A robust mutex whose owner has ended goes to the next one, who is told so: EOWNERDEAD. */
static bool is_kept(const struct detector *d, const struct object *o)
{
    uint64_t owner = relaxed_load(&o->owner);
    return owner != 0 && (!object_alert_any(o, OBJECT_ALERT_ROBUST) || wait_for_owner_seat(d, owner) != NULL);
}

static bool lock_sleeps(const struct detector *d, const struct wait_record *wait)
{
    const struct object *o = wait->wanted;
    if (is_kept(d, o))
        return true;
    uint32_t from = 0;
    return o->kind == OBJECT_RWLOCK && readers_keep_out(wait) && wait_for_next_holder(d, o, &from) != NULL;
}

static bool cond_sleeps(const struct detector *d, const struct object *c)
{
    if (COND_PENDING(relaxed_load(&c->waiters)) == 0)
        return true;
    /* A signalled waiter must have its mutex back first. */
    const struct object *m = relaxed_load(&c->partner);
    return m != NULL && is_kept(d, m);
}

static bool join_sleeps(const struct detector *d, const struct wait_record *wait)
{
    return wait_for_owner_seat(d, OWNER(wait->target_seat, wait->wanted_id)) != NULL;
}

enum rest {
    REST_NONE,       /* it may wake */
    REST_FOR_EVER,   /* only another thread of this process could end it */
    REST_FOR_OTHERS, /* or another process */
};

static bool handles_signals(const struct detector *d)
{
    return relaxed_load(&d->handlers) == HANDLERS_INSTALLED;
}

static bool lasts_for_ever(const struct detector *d, const struct wait_record *wait)
{
    const struct object *o = wait->wanted;
    bool handlers = handles_signals(d);
    switch (wait->kind) {
    case WAIT_LOCK:
        return lock_sleeps(d, wait);
    case WAIT_SEMAPHORE:
        return !handlers && relaxed_load(&o->value) <= 0;
    case WAIT_COND:
        return cond_sleeps(d, o);
    case WAIT_BARRIER:
        return (uint64_t)relaxed_load(&o->value) < wait->ticket;
    case WAIT_ONCE:
        return relaxed_load(&o->owner) != 0;
    case WAIT_FUTEX:
        return !handlers && (uint64_t)relaxed_load(&o->value) == wait->ticket;
    default:
        return false;
    }
}

static bool is_known_to_others(enum wait_kind kind)
{
    return kind == WAIT_LOCK || kind == WAIT_SEMAPHORE || kind == WAIT_COND || kind == WAIT_BARRIER;
}

static enum rest rest_of(const struct detector *d, const struct wait_record *wait)
{
    bool is_for_ever = !wait->timed && wait->kind == WAIT_JOIN && join_sleeps(d, wait);
    if (wait->timed || wait->kind == WAIT_JOIN)
        return is_for_ever ? REST_FOR_EVER : REST_NONE;
    if (wait->wanted_id != relaxed_load(&wait->wanted->id))
        return REST_NONE;
    if (object_alert_any(wait->wanted, OBJECT_ALERT_SHARED))
        return is_known_to_others(wait->kind) ? REST_FOR_OTHERS : REST_NONE;
    return lasts_for_ever(d, wait) ? REST_FOR_EVER : REST_NONE;
}

static bool seat_is_taken(const struct seat *seat)
{
    /* seq_cst; partner: registry_take_seat() */
    return atomic_load(&seat->thread) != 0 && relaxed_load(&seat->state) != THREAD_ENDED;
}

/* Returns: the sequence of the endless sleep of the thread on `seat`, or 0 when it may run. */
static uint64_t seat_endless_sleep(const struct detector *d, const struct seat *seat)
{
    struct wait_record wait;
    uint64_t sequence = seat_read_wait(seat, &wait);
    return sequence != 0 && rest_of(d, &wait) == REST_FOR_EVER ? sequence : 0;
}

static enum rest seat_rest(const struct detector *d, const struct seat *seat)
{
    struct wait_record wait;
    return seat_read_wait(seat, &wait) != 0 ? rest_of(d, &wait) : REST_NONE;
}

/* ---- all of them ------------------------------------------------------------------------------------------------ */

static uint32_t seats_taken(const struct detector *d)
{
    return atomic_load(&d->registry.count); /* seq_cst: read after one's own wait was published */
}

enum crowd { CROWD_NOBODY, CROWD_ASLEEP, CROWD_FOR_OTHERS, CROWD_RUNS };

/* Looks at all threads but `except`, at the one found running last time first. */
static enum crowd crowd_look(struct detector *d, const struct thread *except)
{
    uint32_t count = seats_taken(d), hint = relaxed_load(&d->registry.running_hint);
    enum crowd crowd = CROWD_NOBODY;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = (hint + i) % count;
        const struct seat *seat = registry_seat(&d->registry, number);
        if ((except != NULL && except->seat == seat) || !seat_is_taken(seat))
            continue;
        enum rest rest = seat_rest(d, seat);
        if (rest == REST_NONE) {
            if (number != hint)
                relaxed_store(&d->registry.running_hint, number);
            return CROWD_RUNS;
        }
        crowd = rest == REST_FOR_OTHERS || crowd == CROWD_FOR_OTHERS ? CROWD_FOR_OTHERS : CROWD_ASLEEP;
    }
    return crowd;
}

/* Returns: a number that changes when any seat's wait or occupant does. */
static uint64_t state_of_all(const struct detector *d)
{
    uint64_t sum = atomic_load(&d->registry.births);
    for (uint32_t i = 0; i < seats_taken(d); i++)
        sum = chain_next(sum, (uint32_t)atomic_load(&registry_seat(&d->registry, i)->sequence), LOCK_EXCLUSIVE);
    return sum;
}

/* Returns: true when a thread waits for a futex that another process could wake. */
static bool futexes_are_shared(const struct detector *d)
{
    for (uint32_t i = 0; d->host->memory_is_shared != NULL && i < seats_taken(d); i++) {
        const struct seat *seat = registry_seat(&d->registry, i);
        struct wait_record wait;
        if (seat_is_taken(seat) && seat_read_wait(seat, &wait) != 0 && wait.kind == WAIT_FUTEX &&
            d->host->memory_is_shared(d->host->ctx, (const void *)(uintptr_t)relaxed_load(&wait.wanted->address)))
            return true;
    }
    return false;
}

/* The last thread may fall asleep while the operating system is being asked, which takes long on a busy machine: it
 * changes the state, and nobody would ask again. */
enum { LOOKS_MAX = 8 };

static bool all_sleep(struct detector *d, const struct thread *except)
{
    for (int looks = 0; looks < LOOKS_MAX; looks++) {
        uint64_t before = state_of_all(d);
        if (crowd_look(d, except) >= CROWD_FOR_OTHERS || futexes_are_shared(d) || !d->host->all_asleep(d->host->ctx))
            return false;
        if (state_of_all(d) == before)
            return crowd_look(d, except) < CROWD_FOR_OTHERS;
    }
    return false;
}

bool asleep_for_others(struct detector *d)
{
    return crowd_look(d, NULL) == CROWD_FOR_OTHERS;
}

bool asleep_was_said(struct detector *d)
{
    bool all = true, any = false;
    detector_enter(d, RANK_REGISTRY);
    for (uint32_t i = 0; i < seats_taken(d); i++) {
        const struct seat *seat = registry_seat(&d->registry, i);
        struct wait_record wait;
        uint64_t sequence = seat_is_taken(seat) ? seat_read_wait(seat, &wait) : 0;
        all = all && (sequence == 0 || seat->reported == sequence);
        any = any || sequence != 0;
    }
    detector_leave(d, RANK_REGISTRY);
    return any && all;
}

void asleep_visit(const struct detector *d,
                  void (*visit)(void *ctx, const struct seat *seat, const struct wait_record *wait), void *ctx)
{
    for (uint32_t i = 0; i < seats_taken(d); i++) {
        const struct seat *seat = registry_seat(&d->registry, i);
        struct wait_record wait;
        if (seat_is_taken(seat) && seat_read_wait(seat, &wait) != 0)
            visit(ctx, seat, &wait);
    }
}

/* A signal that nobody handles wakes nobody: it ends the process. */
static bool is_alarmed(const struct detector *d)
{
    return handles_signals(d) && d->host->alarm_is_set != NULL && d->host->alarm_is_set(d->host->ctx);
}

static bool may_be_interrupted(const struct detector *d)
{
    return relaxed_load(&d->handlers) == HANDLERS_INTERRUPT || is_alarmed(d);
}

bool asleep_all_for_ever(struct detector *d, const struct thread *except)
{
    return !may_be_interrupted(d) && all_sleep(d, except);
}

/* Returns: true when this caller is to report; *follows when a part of it was reported before. */
static bool claim_all(struct detector *d, bool *follows)
{
    bool is_mine = false;
    *follows = false;
    detector_enter(d, RANK_REGISTRY);
    for (uint32_t i = 0; i < seats_taken(d); i++) {
        struct seat *seat = registry_seat(&d->registry, i);
        uint64_t sequence = seat_is_taken(seat) ? seat_endless_sleep(d, seat) : 0;
        if (sequence != 0) {
            *follows = *follows || seat->reported == sequence;
            is_mine = is_mine || seat->reported != sequence;
            seat->reported = sequence;
        }
    }
    detector_leave(d, RANK_REGISTRY);
    return is_mine;
}

/* Sets what sharpens the title: the sleep of `wait` explains the others' better than theirs do. */
static void sharpen(struct finding *finding, const struct wait_record *wait)
{
    if (wait->kind == WAIT_COND && relaxed_load(&wait->wanted->idle_signals) > 0) {
        finding->detail = "a condition had been signalled before its waiter began to wait: a lost wake-up";
        finding->number = relaxed_load(&wait->wanted->idle_signals);
    } else if (wait->kind == WAIT_BARRIER && finding->detail[0] == '\0') {
        finding->detail = "a barrier lacks threads that were to arrive";
        finding->number = wait->ticket - (uint64_t)relaxed_load(&wait->wanted->value);
    } else if (wait->kind == WAIT_SEMAPHORE && finding->detail[0] == '\0') {
        finding->detail = "a semaphore is waited for that nobody is left to post";
    } else if (wait->kind == WAIT_COND && finding->detail[0] == '\0') {
        finding->detail = "a condition is waited for that nobody is left to signal";
    } else if (wait->kind == WAIT_FUTEX && finding->detail[0] == '\0') {
        finding->detail = "a futex (of a future, a latch, an atomic, ...) is waited for that nobody is left to wake";
    }
}

/* The holder of a lock that nobody can release any more.  Said once a lock, however many wait for it. */
static void add_ended_holder(struct evidence *e, const struct wait_record *wait)
{
    const struct object *o = wait->wanted;
    uint64_t owner = wait->kind == WAIT_LOCK ? relaxed_load(&o->owner) : 0;
    if (owner == 0 || wait_for_owner_seat(e->d, owner) != NULL)
        return;
    for (size_t i = 0; i < e->finding.party_count; i++)
        if (e->parties[i].role == PARTY_HOLDS && e->parties[i].object.id.v == wait->wanted_id)
            return;
    e->finding.detail = "a lock is held by a thread that has ended";
    e->finding.number = 0;
    evidence_holder(e, o);
}

static void report_all(struct detector *d)
{
    struct evidence e;
    evidence_begin(&e, d, FINDING_DEADLOCK, "");
    e.finding.form = DEADLOCK_ALL_ASLEEP;
    e.finding.certain_hang = !may_be_interrupted(d);
    for (uint32_t i = 0; i < seats_taken(d); i++) {
        const struct seat *seat = registry_seat(&d->registry, i);
        struct wait_record wait;
        if (seat_is_taken(seat) && seat_read_wait(seat, &wait) != 0) {
            wait_for_add_party(&e, seat, &wait);
            sharpen(&e.finding, &wait);
            add_ended_holder(&e, &wait);
        }
    }
    if (e.finding.party_count > 0)
        evidence_send(&e);
    else
        evidence_discard(&e);
}

void asleep_check(struct detector *d, struct thread *t)
{
    if (t != NULL && relaxed_load(&t->seat->timed))
        return;
    enum crowd crowd = crowd_look(d, NULL);
    if (crowd == CROWD_FOR_OTHERS && t != NULL && d->host->asleep_for_others != NULL)
        d->host->asleep_for_others(d->host->ctx);
    if (crowd != CROWD_ASLEEP || is_alarmed(d) || !all_sleep(d, NULL))
        return;
    bool follows, is_mine = claim_all(d, &follows);
    if (is_mine && !follows)
        report_all(d);
    else if (follows && d->host->hung != NULL && !may_be_interrupted(d))
        d->host->hung(d->host->ctx); /* also when each was said to hang before, one by one, as others still ran */
}
