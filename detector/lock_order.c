#include "detector/lock_order.h"

#include "detector/cycle_search.h"
#include "detector/dependencies.h"

enum { FIRST_PARTIES = 8 };

struct lock_order {
    const struct detector_host *host;
    struct dependencies store;
    struct cycle_search search;
    struct hash_table reported; /* hashes of the code places of reported cycles */
    struct finding_party *parties;
    size_t party_capacity;
    _Atomic uint32_t removals;
    struct lock_order_counts counts;
};

struct lock_order *lock_order_new(const struct detector_host *host, size_t max_dependencies)
{
    struct lock_order *order = host->alloc(host->ctx, sizeof *order);
    if (!order)
        return NULL;
    order->host = host;
    dependencies_init(&order->store, host, max_dependencies);
    cycle_search_init(&order->search, host);
    hash_table_init(&order->reported, host);
    return order;
}

void lock_order_delete(struct lock_order *order)
{
    const struct detector_host *host = order->host;
    if (order->parties)
        host->free(host->ctx, order->parties, order->party_capacity * sizeof *order->parties);
    hash_table_release(&order->reported);
    cycle_search_release(&order->search);
    dependencies_release(&order->store);
    host->free(host->ctx, order, sizeof *order);
}

/* ---- reporting -------------------------------------------------------------------------------------------------- */

struct reporter {
    struct lock_order *order;
    lock_order_report *report;
    void *ctx;
};

/* The code places of one side: where it asked and where it took what the side before it wants.  Without stacks the
 * locks themselves must tell sides apart. */
static uint64_t member_hash(const struct cycle_member *member)
{
    const struct dependency *d = member->dependency;
    uint64_t hash = hash_mix((uint64_t)d->nesting->wanted->object.kind, (uint64_t)member->link->object.kind);
    hash = hash_mix(hash, d->at.v);
    hash = hash_mix(hash, member->link->stack.v);
    if (d->at.v == 0 || member->link->stack.v == 0)
        hash = hash_mix(hash_mix(hash, d->nesting->wanted->object.id.v), member->link->object.id.v);
    return hash;
}

/* Returns: true for code places that have not been reported, and notes them. */
static bool is_new_finding(struct lock_order *order, const struct cycle_member *members, size_t count)
{
    uint64_t hash = count;
    for (size_t i = 0; i < count; i++)
        hash += member_hash(&members[i]); /* a sum: a cycle has no beginning */
    if (hash_table_find(&order->reported, hash, NULL, NULL))
        return false;
    hash_table_insert(&order->reported, hash, order); /* without memory it is reported once too often */
    return true;
}

static bool reserve_parties(struct lock_order *order, size_t count)
{
    if (count <= order->party_capacity)
        return true;
    size_t capacity = order->party_capacity ? order->party_capacity : FIRST_PARTIES;
    while (capacity < count)
        capacity *= 2;
    struct finding_party *parties = order->host->alloc(order->host->ctx, capacity * sizeof *parties);
    if (!parties)
        return false;
    if (order->parties)
        order->host->free(order->host->ctx, order->parties, order->party_capacity * sizeof *parties);
    order->parties = parties;
    order->party_capacity = capacity;
    return true;
}

static const char *cycle_detail(size_t length)
{
    static const char *const details[] = {"a cycle of 2 locks", "a cycle of 3 locks", "a cycle of 4 locks",
                                          "a cycle of 5 locks", "a cycle of 6 locks", "a cycle of 7 locks"};
    size_t known = sizeof details / sizeof *details;
    return length - 2 < known ? details[length - 2] : "a cycle of many locks";
}

static bool report_cycle(void *ctx, const struct cycle_member *members, size_t count)
{
    struct reporter *reporter = ctx;
    struct lock_order *order = reporter->order;
    if (!is_new_finding(order, members, count)) {
        order->counts.cycles_repeated++;
        return false;
    }
    if (!reserve_parties(order, count)) {
        order->counts.lost_searches++;
        return false;
    }
    order->counts.cycles_reported++;
    for (size_t i = 0; i < count; i++) {
        const struct dependency *d = members[i].dependency;
        order->parties[i] = (struct finding_party){
            .role = PARTY_REQUESTS,
            .thread = d->thread,
            .stack = d->at,
            .has_object = true,
            .object = d->nesting->wanted->object,
            .mode = d->nesting->mode,
            .signal_number = d->signal_number,
            .held = d->held,
            .held_count = d->held_count,
        };
    }
    const struct finding finding = {
        .kind = FINDING_LOCK_ORDER_INVERSION,
        .severity = finding_severity(FINDING_LOCK_ORDER_INVERSION),
        .parties = order->parties,
        .party_count = count,
        .detail = cycle_detail(count),
        .number = count,
    };
    reporter->report(reporter->ctx, &finding);
    return true;
}

static enum cycle_result search_cycles(struct lock_order *order, struct dependency *d, const struct clock_stamp *now,
                                       lock_order_report *report, void *ctx)
{
    if (!dependency_on_cycle(d))
        return CYCLE_NONE;
    struct reporter reporter = {order, report, ctx};
    bool cut_short = false;
    enum cycle_result result = cycle_search_run(&order->search, d, now, report_cycle, &reporter, &cut_short);
    order->counts.lost_searches += cut_short;
    return result;
}

/* ---- the verbs -------------------------------------------------------------------------------------------------- */

struct dependency *lock_order_request(struct lock_order *order, const struct order_request *request,
                                      lock_order_report *report, void *ctx)
{
    struct dependency *d = dependencies_find(&order->store, request);
    if (d) {
        if (dependency_repeated(d, request->stamp.epoch))
            lock_order_repeat(order, d, &request->stamp, report, ctx);
        return d;
    }
    d = dependencies_add(&order->store, request);
    if (!d)
        order->counts.lost_dependencies++;
    else if (search_cycles(order, d, &request->stamp, report, ctx) == CYCLE_DISMISSED)
        order->counts.cycles_filtered++;
    return d;
}

bool dependency_repeated(struct dependency *d, uint64_t epoch)
{
    /* Relaxed throughout: the words are this thread's own but for recheck_wanted, and a searcher that reads an epoch a
     * moment late dismisses the cycle, sets recheck_wanted and gets the next occurrence. */
    if (atomic_load_explicit(&d->latest_epoch, memory_order_relaxed) != epoch)
        atomic_store_explicit(&d->latest_epoch, epoch, memory_order_relaxed);
    return atomic_load_explicit(&d->recheck_wanted, memory_order_relaxed) &&
           atomic_load_explicit(&d->searched_epoch, memory_order_relaxed) != epoch;
}

void lock_order_repeat(struct lock_order *order, struct dependency *d, const struct clock_stamp *stamp,
                       lock_order_report *report, void *ctx)
{
    clock_stamp_assign(&d->last, stamp);
    atomic_store_explicit(&d->searched_epoch, stamp->epoch, memory_order_relaxed);
    atomic_store_explicit(&d->recheck_wanted, false, memory_order_relaxed);
    search_cycles(order, d, stamp, report, ctx);
}

void lock_order_remove(struct lock_order *order, struct object_id lock)
{
    if (dependencies_remove_lock(&order->store, lock))
        atomic_fetch_add_explicit(&order->removals, 1, memory_order_release);
}

void lock_order_remove_units(struct lock_order *order, struct object_id semaphore)
{
    dependencies_forget_units(&order->store, semaphore);
    lock_order_remove(order, semaphore);
}

void lock_order_thread_ended(struct lock_order *order, struct thread_id thread)
{
    dependencies_thread_ended(&order->store, thread);
}

uint32_t lock_order_removals(const struct lock_order *order)
{
    return atomic_load_explicit(&order->removals, memory_order_acquire);
}

/* ---- questions -------------------------------------------------------------------------------------------------- */

void lock_order_get_counts(const struct lock_order *order, struct lock_order_counts *counts)
{
    *counts = order->counts;
    counts->nodes = order->store.order.node_count;
    counts->edges = order->store.order.edge_count;
    counts->dependencies = order->store.count;
}

bool lock_order_check(const struct lock_order *order)
{
    return dependencies_check(&order->store);
}
