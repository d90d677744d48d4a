#include "detector/cycle_search.h"

enum {
    STEPS_PER_DEPTH = 4096, /* candidates looked at under one depth limit */
    HELD_PER_STEP = 32,     /* pairs of held locks compared that cost as much as one more candidate */
    CYCLES_PER_SEARCH = 16, /* reported of one closing dependency */
    FIRST_CAPACITY = 16,
};

struct cycle_cursor {
    const struct clock_stamp *stamp; /* the occurrence of the member that is meant */
    struct nesting_held *entry;      /* next nesting that holds what the member wants */
    struct dependency *candidate;    /* next in the nesting before `entry` */
    bool is_first_done;              /* of the candidate only its last occurrence is left */
    bool is_placed;                  /* in links_can_be_held() */
};

struct walk {
    struct cycle_search *search;
    const struct clock_stamp *now;
    size_t length;   /* of the chain */
    size_t shortest; /* cycles shorter than this were dealt with under an earlier limit */
    size_t limit;
    uint64_t steps_left;
    bool depth_cut; /* a chain was not followed for its length */
    bool cut_short;
    bool dismissed;
    bool has_news;
    cycle_found *found;
    void *ctx;
};

void cycle_search_init(struct cycle_search *search, const struct detector_host *host)
{
    *search = (struct cycle_search){.host = host};
    hash_table_init(&search->found, host);
}

static void free_chain(struct cycle_search *search)
{
    if (search->chain)
        search->host->free(search->host->ctx, search->chain, search->capacity * sizeof *search->chain);
    if (search->cursors)
        search->host->free(search->host->ctx, search->cursors, search->capacity * sizeof *search->cursors);
}

void cycle_search_release(struct cycle_search *search)
{
    free_chain(search);
    hash_table_release(&search->found);
    *search = (struct cycle_search){.host = search->host};
}

/* Doubles the room for chains of which `length` members are in use. */
static bool grow_chain(struct cycle_search *search, size_t length)
{
    struct cycle_search larger = *search;
    larger.capacity = search->capacity ? search->capacity * 2 : FIRST_CAPACITY;
    larger.chain = search->host->alloc(search->host->ctx, larger.capacity * sizeof *larger.chain);
    larger.cursors = search->host->alloc(search->host->ctx, larger.capacity * sizeof *larger.cursors);
    if (!larger.chain || !larger.cursors) {
        free_chain(&larger);
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        larger.chain[i] = search->chain[i];
        larger.cursors[i] = search->cursors[i];
    }
    free_chain(search);
    *search = larger;
    return true;
}

/* ---- the rules -------------------------------------------------------------------------------------------------- */

static const struct held_lock *find_held(const struct dependency *d, struct object_id lock)
{
    for (size_t i = 0; i < d->held_count; i++)
        if (d->held[i].object.id.v == lock.v)
            return &d->held[i];
    return NULL;
}

/* Returns: true when a request of `earlier` may have to wait for whoever holds the lock in `mode`. */
static bool modes_conflict(const struct nesting *earlier, enum lock_mode mode)
{
    return earlier->mode == LOCK_EXCLUSIVE || mode == LOCK_EXCLUSIVE || earlier->prefers_writers;
}

static bool have_gate(const struct dependency *a, const struct dependency *b)
{
    for (size_t i = 0; i < a->held_count; i++) {
        const struct held_lock *other = find_held(b, a->held[i].object.id);
        if (other && (other->mode == LOCK_EXCLUSIVE || a->held[i].mode == LOCK_EXCLUSIVE))
            return true;
    }
    return false;
}

static bool stamps_unordered(const struct clock_stamp *a, const struct clock_stamp *b)
{
    return !clock_stamp_before(a, b) && !clock_stamp_before(b, a);
}

/* The present cannot come before the past, so only the other direction is asked. */
static bool latest_unordered_with_now(struct dependency *past, const struct clock_stamp *now)
{
    const struct clock_stamp latest = {
        .slot = past->first.slot,
        .epoch = atomic_load_explicit(&past->latest_epoch, memory_order_relaxed),
    };
    return !clock_stamp_before(&latest, now);
}

static void want_recheck(struct dependency *d)
{
    /* Relaxed: its thread notices at its next occurrence or a later one; both are evidence. */
    atomic_store_explicit(&d->recheck_wanted, true, memory_order_relaxed);
}

/* Asks whether this occurrence of `candidate` is unordered with those chosen so far.  Order is asked last: whoever fails
 * by it alone may be valid at another occurrence. */
static bool order_permits(struct walk *walk, struct dependency *candidate, const struct clock_stamp *stamp)
{
    struct cycle_search *search = walk->search;
    if (clock_stamp_before(stamp, walk->now)) {
        want_recheck(candidate);
        return false;
    }
    for (size_t i = 1; i < walk->length; i++) {
        if (!stamps_unordered(stamp, search->cursors[i].stamp)) {
            want_recheck(candidate);
            want_recheck(search->chain[i].dependency);
            return false;
        }
    }
    return true;
}

static bool rules_permit(struct walk *walk, const struct dependency *candidate)
{
    const struct cycle_member *chain = walk->search->chain;
    for (size_t i = 0; i < walk->length; i++) {
        const struct dependency *member = chain[i].dependency;
        uint64_t cost = candidate->held_count * member->held_count / HELD_PER_STEP;
        walk->steps_left -= cost < walk->steps_left ? cost : walk->steps_left;
        if (member->thread.v == candidate->thread.v || member->nesting->wanted == candidate->nesting->wanted ||
            have_gate(candidate, member))
            return false;
    }
    return true;
}

/* ---- the walk --------------------------------------------------------------------------------------------------- */

static void push(struct walk *walk, struct dependency *d, const struct clock_stamp *stamp)
{
    struct cycle_search *search = walk->search;
    if (walk->length == search->capacity && !grow_chain(search, walk->length)) {
        walk->cut_short = true;
        return;
    }
    const struct held_lock *link = NULL; /* of the first it is known when the last is */
    if (walk->length > 0)
        link = find_held(d, search->chain[walk->length - 1].dependency->nesting->wanted->object.id);
    search->chain[walk->length] = (struct cycle_member){.dependency = d, .link = link};
    search->cursors[walk->length] = (struct cycle_cursor){.stamp = stamp, .entry = d->nesting->wanted->held_by};
    walk->length++;
}

/* Moves on to the next nesting that holds what the member wants and may lead back. */
static void find_next_nesting(struct cycle_cursor *cursor, const struct nesting *nesting)
{
    while (!cursor->candidate && cursor->entry) {
        struct nesting_held *entry = cursor->entry;
        cursor->entry = entry->next;
        if (modes_conflict(nesting, entry->mode) &&
            topo_on_cycle(&entry->nesting->wanted->topo, &nesting->wanted->topo))
            cursor->candidate = entry->nesting->first;
    }
}

/* Returns: the next dependency to follow the end of the chain and sets *stamp to the occurrence meant, its first before
 * its last; or NULL when all have been. */
static struct dependency *next_candidate(struct walk *walk, const struct clock_stamp **stamp)
{
    struct cycle_cursor *cursor = &walk->search->cursors[walk->length - 1];
    find_next_nesting(cursor, walk->search->chain[walk->length - 1].dependency->nesting);
    struct dependency *candidate = cursor->candidate;
    if (!candidate)
        return NULL;
    *stamp = cursor->is_first_done ? &candidate->last : &candidate->first;
    cursor->is_first_done = !cursor->is_first_done && candidate->first.epoch != candidate->last.epoch;
    if (!cursor->is_first_done)
        cursor->candidate = candidate->next;
    return candidate;
}

/* Returns: the lock of the first dependency that the last one wants, in conflicting mode, or NULL. */
static const struct held_lock *closing_link(const struct walk *walk, const struct dependency *last)
{
    const struct held_lock *link = find_held(walk->search->chain[0].dependency, last->nesting->wanted->object.id);
    return link && modes_conflict(last->nesting, link->mode) ? link : NULL;
}

static bool was_taken_under(const struct held_lock *held, struct object_id lock)
{
    for (size_t i = 0; i < TAKEN_UNDER_MOST; i++)
        if (held->taken_under[i].v == lock.v)
            return true;
    return false;
}

/* Returns: true when the member can have taken its link while all others that are left already held theirs. */
static bool may_have_been_last(const struct cycle_search *search, size_t length, size_t member)
{
    for (size_t i = 0; i < length; i++)
        if (i != member && !search->cursors[i].is_placed &&
            was_taken_under(search->chain[member].link, search->chain[i].link->object.id))
            return false;
    return true;
}

/* Returns: true when there is an order in which the members can have taken their links so that all are held in the end:
 * whoever takes one under another's must do so before that other does.  Places them from the last to the first. */
static bool links_can_be_held(struct cycle_search *search, size_t length)
{
    for (size_t i = 0; i < length; i++)
        search->cursors[i].is_placed = false;
    for (size_t left = length; left > 0; left--) {
        size_t last = 0;
        while (last < length && (search->cursors[last].is_placed || !may_have_been_last(search, length, last)))
            last++;
        if (last == length)
            return false;
        search->cursors[last].is_placed = true;
    }
    return true;
}

static size_t members_holding(const struct cycle_search *search, size_t length, struct object_id lock)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += find_held(search->chain[i].dependency, lock) != NULL;
    return count;
}

/* Returns: true when each counting semaphore lets in all members that hold a unit of it. */
static bool units_suffice(const struct cycle_search *search, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        const struct dependency *d = search->chain[i].dependency;
        for (size_t k = 0; k < d->held_count; k++) {
            const struct held_lock *held = &d->held[k];
            if (held->units > 0 && held->units < members_holding(search, length, held->object.id))
                return false;
        }
    }
    return true;
}

/* Returns: true when a member wants again what it held as it took its link, which is a semaphore.  Were that a lock, whoever
 * comes next would hang behind the one who holds it: the first to come in takes it under a mutex that guards a count,
 * and the last to leave gives it back under the same.  (Courtois, Heymans & Parnas, CACM 14(10), 1971.) */
static bool has_light_switch(const struct cycle_search *search, size_t length)
{
    bool result = false;
    for (size_t i = 0; i < length; i++) {
        const struct cycle_member *member = &search->chain[i];
        result |= member->link->object.kind == OBJECT_SEMAPHORE &&
                  was_taken_under(member->link, member->dependency->nesting->wanted->object.id);
    }
    return result;
}

/* Returns: true when this set of wanted locks has not been reported in this search, and notes it. */
static bool is_new_set(struct walk *walk)
{
    struct hash_table *found = &walk->search->found;
    uint64_t hash = 0;
    for (size_t i = 0; i < walk->length; i++)
        hash += hash_mix(0, walk->search->chain[i].dependency->nesting->wanted->object.id.v);
    if (hash_table_find(found, hash, NULL, NULL))
        return false;
    if (found->count == CYCLES_PER_SEARCH || !hash_table_insert(found, hash, walk)) {
        walk->cut_short = true;
        return false;
    }
    return true;
}

/* The chain has just become a valid cycle by its last member, which wants `link` of the first. */
static void report_cycle(struct walk *walk, const struct held_lock *link)
{
    if (walk->length < walk->shortest)
        return;
    walk->search->chain[0].link = link;
    if (has_light_switch(walk->search, walk->length) || !units_suffice(walk->search, walk->length) ||
        !links_can_be_held(walk->search, walk->length)) {
        walk->dismissed = true;
        return;
    }
    if (!is_new_set(walk))
        return;
    if (walk->found(walk->ctx, walk->search->chain, walk->length))
        walk->has_news = true;
}

/* Two locks: the present and the latest occurrence of the candidate, of which the epoch is enough to know. */
static void consider_pair(struct walk *walk, struct dependency *candidate, const struct held_lock *back)
{
    if (!latest_unordered_with_now(candidate, walk->now)) {
        want_recheck(candidate);
        walk->dismissed = true;
        return;
    }
    push(walk, candidate, NULL);
    if (walk->cut_short)
        return;
    report_cycle(walk, back);
    walk->length--;
}

/* Tries `candidate` as the next member: dismisses it, or follows it, having reported the cycle it may close. */
static void consider(struct walk *walk, struct dependency *candidate, const struct clock_stamp *stamp)
{
    const struct held_lock *back = closing_link(walk, candidate);
    if (!back && walk->length + 1 >= walk->limit) {
        walk->depth_cut = true;
        return;
    }
    if (!rules_permit(walk, candidate)) {
        walk->dismissed = true;
        return;
    }
    bool is_pair = walk->length == 1;
    if (back && is_pair && stamp == &candidate->first)
        consider_pair(walk, candidate, back);
    if (is_pair && walk->limit == 2) {
        walk->depth_cut = true;
        return;
    }
    if (!order_permits(walk, candidate, stamp)) {
        walk->dismissed = true;
        return;
    }
    push(walk, candidate, stamp);
    if (back && !is_pair && !walk->cut_short)
        report_cycle(walk, back);
    if (walk->length == walk->limit) {
        walk->depth_cut = true;
        walk->length--;
    }
}

static void walk_chains(struct walk *walk, struct dependency *closing)
{
    walk->steps_left = STEPS_PER_DEPTH;
    walk->depth_cut = false;
    walk->length = 0;
    push(walk, closing, walk->now);
    while (walk->length > 0 && !walk->cut_short) {
        const struct clock_stamp *stamp = NULL;
        struct dependency *candidate = next_candidate(walk, &stamp);
        if (!candidate) {
            walk->length--;
        } else if (walk->steps_left == 0) {
            walk->cut_short = true;
        } else {
            walk->steps_left--;
            consider(walk, candidate, stamp);
        }
    }
}

enum cycle_result cycle_search_run(struct cycle_search *search, struct dependency *closing,
                                   const struct clock_stamp *now, cycle_found *found, void *ctx, bool *cut_short)
{
    struct walk walk = {.search = search, .now = now, .limit = 2, .shortest = 2, .found = found, .ctx = ctx};
    do {
        walk_chains(&walk, closing);
        walk.shortest = walk.limit + 1;
        walk.limit = walk.limit < 4 ? walk.limit + 1 : walk.limit * 2;
    } while (walk.depth_cut && !walk.has_news && !walk.cut_short);
    *cut_short = walk.cut_short;
    enum cycle_result result = search->found.count ? CYCLE_VALID : walk.dismissed ? CYCLE_DISMISSED : CYCLE_NONE;
    hash_table_release(&search->found);
    return result;
}
