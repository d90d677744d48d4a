#include "detector/wait_for.h"

#include "detector/asleep.h"

#define STEPS_AT_HAND 24

/* One thread of the path from the caller, and how far its blockers have been tried. */
struct step {
    struct seat *seat;
    uint64_t sequence;
    uint64_t owner; /* word of the wanted object, 0 when the edge does not hang on it */
    uint32_t next;  /* where to look for the next blocker */
    bool is_done;   /* there is no further blocker */
    struct wait_record wait;
};

struct walk {
    struct detector *d;
    struct step *step;
    uint32_t depth, capacity;
    uint32_t *seen; /* seats that led nowhere or are on the path */
    uint32_t seen_count;
    struct step at_hand[STEPS_AT_HAND];
    uint32_t seen_at_hand[STEPS_AT_HAND];
};

struct seat *wait_for_owner_seat(const struct detector *d, uint64_t owner)
{
    if (owner == 0)
        return NULL;
    struct seat *seat = registry_seat(&d->registry, OWNER_SEAT(owner));
    bool is_same = relaxed_load(&seat->thread) == OWNER_THREAD(owner);
    return is_same && relaxed_load(&seat->state) != THREAD_ENDED ? seat : NULL;
}

static uint32_t seats_taken(const struct detector *d)
{
    return atomic_load_explicit(&d->registry.count, memory_order_acquire); /* partner: registry_new_seat() */
}

struct seat *wait_for_next_holder(const struct detector *d, const struct object *o, uint32_t *from)
{
    while (*from < seats_taken(d)) {
        struct seat *seat = registry_seat(&d->registry, (*from)++);
        uint8_t state = relaxed_load(&seat->state);
        const struct held_entry *entry =
            state == THREAD_NONE || state == THREAD_ENDED ? NULL : held_find(&seat->held, o);
        bool is_stale = entry != NULL && relaxed_load(&entry->mode) == LOCK_EXCLUSIVE &&
                        relaxed_load(&entry->serial) != relaxed_load(&o->serial);
        if (entry != NULL && !is_stale)
            return seat;
    }
    return NULL;
}

struct seat *wait_for_next_waiter(const struct detector *d, const struct object *o, struct wait_record *wait,
                                  uint32_t *from)
{
    while (*from < seats_taken(d)) {
        struct seat *seat = registry_seat(&d->registry, (*from)++);
        if (relaxed_load(&seat->state) != THREAD_ENDED && seat_read_wait(seat, wait) != 0 && wait->wanted == o &&
            wait->wanted_id == relaxed_load(&o->id))
            return seat;
    }
    return NULL;
}

/* ---- edges ------------------------------------------------------------------------------------------------------ */

static struct seat *blocker_by_owner(struct walk *walk, struct step *step, const struct object *o)
{
    step->is_done = true;
    step->owner = relaxed_load(&o->owner);
    return wait_for_owner_seat(walk->d, step->owner);
}

static struct seat *blocker_of_rwlock(struct walk *walk, struct step *step)
{
    const struct object *o = step->wait.wanted;
    if (step->next == 0 && relaxed_load(&o->owner) != 0)
        return blocker_by_owner(walk, step, o);
    if (step->wait.mode == LOCK_EXCLUSIVE)
        return wait_for_next_holder(walk->d, o, &step->next);
    while (o->prefers_writers) {
        struct wait_record wait;
        struct seat *writer = wait_for_next_waiter(walk->d, o, &wait, &step->next);
        if (writer == NULL || wait.mode == LOCK_EXCLUSIVE)
            return writer;
    }
    return NULL;
}

/* A waiter that has certainly been signalled now waits for the mutex. */
static struct seat *blocker_of_cond(struct walk *walk, struct step *step)
{
    uint64_t word = relaxed_load(&step->wait.wanted->waiters);
    if (COND_PENDING(word) < COND_WAITERS(word))
        return NULL;
    const struct object *m = relaxed_load(&step->wait.wanted->partner);
    return m == NULL ? NULL : blocker_by_owner(walk, step, m);
}

static struct seat *blocker_of_join(struct walk *walk, struct step *step)
{
    step->is_done = true;
    return wait_for_owner_seat(walk->d, OWNER(step->wait.target_seat, step->wait.wanted_id));
}

static struct seat *blocker_of_semaphore(struct walk *walk, struct step *step)
{
    const struct object *o = step->wait.wanted;
    if (!relaxed_load(&o->lock_like) || !relaxed_load(&o->posted_by_holder))
        return NULL;
    struct seat *seat = blocker_by_owner(walk, step, o);
    return seat == step->seat ? NULL : seat; /* waiting for one's own token: somebody else may post */
}

/* Returns: the next thread that keeps this one from going on, or NULL when there is no other. */
static struct seat *next_blocker(struct walk *walk, struct step *step)
{
    if (step->is_done || step->wait.timed)
        return NULL;
    if (step->wait.kind == WAIT_JOIN)
        return blocker_of_join(walk, step);
    if (step->wait.wanted_id != relaxed_load(&step->wait.wanted->id))
        return NULL;
    switch (step->wait.kind) {
    case WAIT_LOCK:
        return step->wait.wanted->kind == OBJECT_RWLOCK ? blocker_of_rwlock(walk, step)
                                                        : blocker_by_owner(walk, step, step->wait.wanted);
    case WAIT_ONCE:
        return blocker_by_owner(walk, step, step->wait.wanted);
    case WAIT_SEMAPHORE:
        return blocker_of_semaphore(walk, step);
    case WAIT_COND:
        return blocker_of_cond(walk, step);
    default:
        return NULL;
    }
}

/* ---- the walk --------------------------------------------------------------------------------------------------- */

static void *bigger_copy(struct detector *d, const void *old, size_t old_bytes, bool is_at_hand)
{
    char *bigger = d->host->alloc(d->host->ctx, old_bytes * 2);
    for (size_t i = 0; bigger != NULL && i < old_bytes; i++)
        bigger[i] = ((const char *)old)[i];
    if (bigger != NULL && !is_at_hand)
        d->host->free(d->host->ctx, (void *)(uintptr_t)old, old_bytes);
    return bigger;
}

/* Keeps room for one more step and one more seat seen.  Returns: false without memory: the search is cut short. */
static bool walk_grow(struct walk *walk)
{
    if (walk->seen_count < walk->capacity)
        return true;
    bool is_at_hand = walk->step == walk->at_hand;
    uint32_t *seen = bigger_copy(walk->d, walk->seen, walk->capacity * sizeof *seen, is_at_hand);
    if (seen == NULL)
        return false;
    struct step *step = bigger_copy(walk->d, walk->step, walk->capacity * sizeof *step, is_at_hand);
    if (step == NULL) {
        walk->d->host->free(walk->d->host->ctx, seen, 2 * walk->capacity * sizeof *seen);
        return false;
    }
    walk->seen = seen;
    walk->step = step;
    walk->capacity *= 2;
    return true;
}

static bool walk_has_seen(const struct walk *walk, const struct seat *seat)
{
    for (uint32_t i = 0; i < walk->seen_count; i++)
        if (walk->seen[i] == seat->number)
            return true;
    return false;
}

static bool walk_push(struct walk *walk, struct seat *seat)
{
    if (walk_has_seen(walk, seat))
        return false;
    if (!walk_grow(walk)) {
        atomic_fetch_add_explicit(&walk->d->lost_history, 1, memory_order_relaxed); /* a statistic */
        return false;
    }
    struct step *step = &walk->step[walk->depth];
    *step = (struct step){.seat = seat};
    step->sequence = seat_read_wait(seat, &step->wait);
    walk->seen[walk->seen_count++] = seat->number;
    walk->depth += step->sequence != 0;
    return step->sequence != 0;
}

/* Returns: true when a path of waits leads from `t` back to it; it is then walk->step[0..depth). */
static bool walk_find_circle(struct walk *walk, struct seat *start)
{
    if (!walk_push(walk, start))
        return false;
    while (walk->depth > 0) {
        struct seat *next = next_blocker(walk, &walk->step[walk->depth - 1]);
        if (next == start)
            return true;
        if (next == NULL)
            walk->depth--;
        else
            (void)walk_push(walk, next);
    }
    return false;
}

/* Returns: true when every wait and owner of the path is as it was.  Context: holds RANK_REGISTRY. */
static bool walk_confirm(const struct walk *walk)
{
    for (uint32_t i = 0; i < walk->depth; i++) {
        const struct step *step = &walk->step[i];
        const struct object *o = step->wait.wanted;
        if (step->wait.kind == WAIT_COND)
            o = relaxed_load(&o->partner);
        if (step->owner != 0 && relaxed_load(&o->owner) != step->owner)
            return false;
    }
    atomic_thread_fence(memory_order_acquire); /* the owners were read before the sequences are read again */
    for (uint32_t i = 0; i < walk->depth; i++)
        if (atomic_load(&walk->step[i].seat->sequence) != walk->step[i].sequence)
            return false;
    return true;
}

/* Marks the waits of the path as reported.  Returns: false when somebody else did, or the path is no longer true. */
static bool walk_claim(struct walk *walk)
{
    detector_enter(walk->d, RANK_REGISTRY);
    bool is_mine = walk_confirm(walk);
    for (uint32_t i = 0; is_mine && i < walk->depth; i++)
        is_mine = walk->step[i].seat->reported != walk->step[i].sequence;
    for (uint32_t i = 0; is_mine && i < walk->depth; i++)
        walk->step[i].seat->reported = walk->step[i].sequence;
    detector_leave(walk->d, RANK_REGISTRY);
    return is_mine;
}

/* ---- the report ------------------------------------------------------------------------------------------------- */

/* Returns: what is waited for, as a report names it; id 0 when nothing is. */
static struct object_ref object_of(const struct detector *d, const struct wait_record *wait)
{
    if (wait->kind != WAIT_JOIN)
        return wait->wanted == NULL ? (struct object_ref){0} : object_reference(wait->wanted);
    return (struct object_ref){
        .id = {THREAD_OBJECT_ID(wait->wanted_id)},
        .kind = OBJECT_THREAD,
        .init_thread = {wait->wanted_id},
        .init_stack = registry_seat(&d->registry, wait->target_seat)->created_at,
    };
}

void wait_for_add_party(struct evidence *e, const struct seat *seat, const struct wait_record *wait)
{
    struct thread_id thread = {relaxed_load(&seat->thread)};
    struct finding_party *party = evidence_party(e, PARTY_WAITS, thread, wait->at);
    party->object = object_of(e->d, wait);
    party->has_object = party->object.id.v != 0;
    party->mode = wait->mode;
    party->timed = wait->timed;
    party->signal_number = wait->signal_number;
    evidence_held(e, party, &seat->held);
}

static enum deadlock_form walk_form(const struct walk *walk)
{
    bool is_one_object = true;
    for (uint32_t i = 0; i < walk->depth; i++) {
        if (walk->step[i].wait.kind == WAIT_JOIN)
            return DEADLOCK_JOIN;
        is_one_object = is_one_object && walk->step[i].wait.wanted == walk->step[0].wait.wanted;
    }
    return is_one_object ? DEADLOCK_SELF : DEADLOCK_CYCLE;
}

static const char *walk_detail(const struct walk *walk)
{
    if (walk_form(walk) == DEADLOCK_SELF && walk->depth > 1)
        return "it reads the lock again while a writer, which goes first, waits for its first reading to end";
    return "";
}

/* Returns: true when nobody is left to run. */
static bool walk_report(struct walk *walk)
{
    struct evidence e;
    evidence_begin(&e, walk->d, FINDING_DEADLOCK, walk_detail(walk));
    e.finding.form = walk_form(walk);
    for (uint32_t i = 0; i < walk->depth; i++)
        wait_for_add_party(&e, walk->step[i].seat, &walk->step[i].wait);
    bool is_end = asleep_all_for_ever(walk->d, NULL);
    e.finding.certain_hang = is_end;
    evidence_send(&e);
    return is_end;
}

bool wait_for_check(struct detector *d, struct thread *t)
{
    struct walk walk = {.d = d, .capacity = STEPS_AT_HAND};
    walk.step = walk.at_hand;
    walk.seen = walk.seen_at_hand;
    bool is_end = walk_find_circle(&walk, t->seat) && walk_claim(&walk) && walk_report(&walk);
    if (walk.step != walk.at_hand) {
        d->host->free(d->host->ctx, walk.step, walk.capacity * sizeof *walk.step);
        d->host->free(d->host->ctx, walk.seen, walk.capacity * sizeof *walk.seen);
    }
    return is_end;
}
