#include "detector/order_feed.h"

#include "detector/evidence.h"

/* Findings made under RANK_ORDER_GRAPH, to be sent after it. */
#define CYCLES_AT_ONCE 4

struct cycles {
    struct detector *d;
    size_t count;
    struct evidence found[CYCLES_AT_ONCE];
};

static void keep_cycle(void *ctx, const struct finding *finding)
{
    struct cycles *cycles = ctx;
    if (cycles->count < CYCLES_AT_ONCE) {
        evidence_copy(&cycles->found[cycles->count++], cycles->d, finding);
    } else {
        /* one request that closes more circles than this has been reported well enough */
        atomic_fetch_add_explicit(&cycles->d->repeats, 1, memory_order_relaxed);
    }
}

static void send_cycles(struct cycles *cycles)
{
    for (size_t i = 0; i < cycles->count; i++)
        evidence_send(&cycles->found[i]);
}

/* Returns: true when there is a lock among them: nobody waits for what is only a unit of a semaphore. */
static bool has_lock(const struct held_lock *held, size_t count)
{
    while (count > 0 && held[count - 1].units != 0)
        count--;
    return count > 0;
}

/* Returns: the ordered locks that the thread holds, in its scratch array, or 0 when there are none or no memory. */
static size_t copy_held(struct detector *d, struct thread *t)
{
    struct held_set *held = &t->seat->held;
    if (t->scratch_count < held->ordered) {
        size_t count = held->ordered * 2;
        struct held_lock *bigger = d->host->alloc(d->host->ctx, count * sizeof *bigger);
        if (bigger == NULL) {
            atomic_fetch_add_explicit(&d->lost_history, 1, memory_order_relaxed); /* a statistic */
            return 0;
        }
        if (t->scratch != NULL)
            d->host->free(d->host->ctx, t->scratch, t->scratch_count * sizeof *bigger);
        t->scratch = bigger;
        t->scratch_count = count;
    }
    struct held_entry *entries = held_entries(held);
    for (uint32_t i = 0; i < held_count(held); i++)
        if (entries[i].ordered)
            relaxed_store(&relaxed_load(&entries[i].object)->in_order, true);
    return held_copy(held, true, t->scratch, t->scratch_count);
}

/* Fills `entry` with the dependency that the graph keeps for this request. */
static void request_from_graph(struct detector *d, struct thread *t, struct object *o, enum lock_mode mode,
                               struct stack_id at, struct order_cache_entry *entry, struct cycles *cycles)
{
    size_t count = copy_held(d, t);
    if (!has_lock(t->scratch, count))
        return;
    relaxed_store(&o->in_order, true);
    struct order_request request = {
        .thread = t->id,
        .stamp = thread_clock_stamp(&t->handover),
        .wanted = object_reference(o),
        .mode = mode,
        .prefers_writers = o->prefers_writers,
        .at = at,
        .signal_number = t->signal_depth > 0 ? t->signal_number : 0,
        .held = t->scratch,
        .held_count = count,
    };
    detector_enter(d, RANK_ORDER_GRAPH);
    entry->dependency = lock_order_request(d->order, &request, keep_cycle, cycles);
    entry->removals = lock_order_removals(d->order);
    detector_leave(d, RANK_ORDER_GRAPH);
}

static void repeat_in_graph(struct detector *d, struct thread *t, struct order_cache_entry *entry,
                            struct cycles *cycles)
{
    struct clock_stamp stamp = thread_clock_stamp(&t->handover);
    detector_enter(d, RANK_ORDER_GRAPH);
    if (entry->removals == lock_order_removals(d->order))
        lock_order_repeat(d->order, entry->dependency, &stamp, keep_cycle, cycles);
    else
        entry->key = 0; /* asked for again next time */
    detector_leave(d, RANK_ORDER_GRAPH);
}

/* Returns: true when `entry` still stands for the nesting `key`. */
static bool is_known(const struct detector *d, const struct order_cache_entry *entry, uint64_t key)
{
    return entry->key == key && entry->removals == lock_order_removals(d->order);
}

void order_feed_slow(struct detector *d, struct thread *t, struct object *o, enum lock_mode mode, struct stack_id at,
                     struct order_cache_entry *entry, uint64_t key)
{
    struct held_set *held = &t->seat->held;
    if (!finding_enabled(d, FINDING_LOCK_ORDER_INVERSION))
        return;
    if (entry->key != key && held_drop_stale(held)) {
        if (held->ordered == 0)
            return;
        key = chain_next(held->chain, relaxed_load(&o->id), mode);
        entry = &t->order_cache[key % ORDER_CACHE_SIZE];
    }
    if (entry->key != key && held_find(held, o) != NULL)
        return; /* taken again: no order between a lock and itself */
    struct cycles cycles = {.d = d, .count = 0};
    uint64_t epoch = t->handover.epoch;
    if (!is_known(d, entry, key)) {
        *entry = (struct order_cache_entry){.key = key};
        request_from_graph(d, t, o, mode, at, entry, &cycles);
    } else if (entry->dependency != NULL && dependency_repeated(entry->dependency, epoch)) {
        repeat_in_graph(d, t, entry, &cycles);
    }
    entry->epoch = epoch;
    send_cycles(&cycles);
}

static void forget(struct detector *d, struct object *o, void (*how)(struct lock_order *, struct object_id))
{
    if (!relaxed_load(&o->in_order))
        return;
    relaxed_store(&o->in_order, false);
    detector_enter(d, RANK_ORDER_GRAPH);
    how(d->order, object_identity(o));
    detector_leave(d, RANK_ORDER_GRAPH);
}

void order_forget(struct detector *d, struct object *o)
{
    forget(d, o, lock_order_remove);
}

void order_forget_units(struct detector *d, struct object *semaphore)
{
    forget(d, semaphore, lock_order_remove_units);
}
