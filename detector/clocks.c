#include "detector/clocks.h"

#include <string.h>

#include "detector/bytes.h"

/* A piece of host memory that snapshots of one class were cut from. */
struct clock_chunk {
    struct clock_chunk *next;
    size_t bytes;
};

#define CHUNK_HEADER 64
#define CHUNK_TARGET ((size_t)8 << 10)

static uint32_t class_of(uint32_t slots)
{
    uint32_t class = 0;
    while (((uint32_t)8 << class) < slots && class + 1 < CLOCK_CLASSES)
        class ++;
    return class;
}

static size_t snapshot_bytes(uint32_t class)
{
    size_t bytes = sizeof(struct clock_snapshot) + ((size_t)8 << class) * sizeof(uint64_t);
    return (bytes + 63) & ~(size_t)63;
}

void clock_pool_init(struct clock_pool *pool, const struct detector_host *host)
{
    memset(pool, 0, sizeof *pool);
    pool->host = host;
}

void clock_pool_delete(struct clock_pool *pool)
{
    struct clock_chunk *chunk = pool->chunks;
    while (chunk != NULL) {
        struct clock_chunk *next = chunk->next;
        pool->host->free(pool->host->ctx, chunk, chunk->bytes);
        chunk = next;
    }
}

/* Cuts a new chunk into snapshots.  Context: holds RANK_CLOCKS. */
static void pool_grow(struct clock_pool *pool, uint32_t class)
{
    size_t each = snapshot_bytes(class);
    size_t count = each < CHUNK_TARGET ? CHUNK_TARGET / each : 1;
    size_t bytes = CHUNK_HEADER + count * each;
    struct clock_chunk *chunk = pool->host->alloc(pool->host->ctx, bytes);
    if (chunk == NULL)
        return;
    chunk->bytes = bytes;
    chunk->next = pool->chunks;
    pool->chunks = chunk;
    for (size_t i = 0; i < count; i++) {
        struct clock_snapshot *snapshot = (void *)((char *)chunk + CHUNK_HEADER + i * each);
        snapshot->pool = pool;
        snapshot->size = (uint32_t)8 << class;
        snapshot->next = pool->free[class];
        pool->free[class] = snapshot;
    }
}

void clock_spares_return(struct clock_spares *spares)
{
    struct clock_pool *pool = spares->pool;
    if (spares->count == 0)
        return;
    pool->host->enter(pool->host->ctx, RANK_CLOCKS);
    while (spares->count > 0) {
        struct clock_snapshot *snapshot = spares->spare[--spares->count];
        snapshot->next = pool->free[spares->class];
        pool->free[spares->class] = snapshot;
    }
    pool->host->leave(pool->host->ctx, RANK_CLOCKS);
}

static void spares_refill(struct clock_spares *spares)
{
    struct clock_pool *pool = spares->pool;
    pool->host->enter(pool->host->ctx, RANK_CLOCKS);
    while (spares->count < CLOCK_SPARES / 2) {
        if (pool->free[spares->class] == NULL)
            pool_grow(pool, spares->class);
        struct clock_snapshot *snapshot = pool->free[spares->class];
        if (snapshot == NULL)
            break;
        pool->free[spares->class] = snapshot->next;
        spares->spare[spares->count++] = snapshot;
    }
    pool->host->leave(pool->host->ctx, RANK_CLOCKS);
}

/* Returns: a zeroed snapshot of at least `slots` entries with one user, or NULL without memory (counted). */
static struct clock_snapshot *snapshot_new(struct clock_spares *spares, uint32_t slots)
{
    uint32_t class = class_of(slots);
    if (class != spares->class) {
        clock_spares_return(spares);
        spares->class = class;
    }
    if (spares->count == 0)
        spares_refill(spares);
    if (spares->count == 0) {
        atomic_fetch_add_explicit(&spares->pool->lost, 1, memory_order_relaxed); /* a statistic */
        return NULL;
    }
    struct clock_snapshot *snapshot = spares->spare[--spares->count];
    relaxed_store(&snapshot->users, 1);
    /* no libc: the race engine releases and acquires while vector registers are live */
    bytes_fill((uint8_t *)snapshot->epoch, 0, snapshot->size * sizeof snapshot->epoch[0]);
    return snapshot;
}

static void snapshot_share(struct clock_snapshot *snapshot)
{
    if (snapshot != NULL) {
        /* relaxed: whoever shares it holds a reference already */
        atomic_fetch_add_explicit(&snapshot->users, 1, memory_order_relaxed);
    }
}

/* `spares` may be NULL: then the memory goes back to the pool. */
static void snapshot_drop(struct clock_snapshot *snapshot, struct clock_spares *spares)
{
    /* acq_rel: all reads through other references come before its reuse; partner: the other drops */
    if (snapshot == NULL || atomic_fetch_sub_explicit(&snapshot->users, 1, memory_order_acq_rel) != 1)
        return;
    uint32_t class = class_of(snapshot->size);
    if (spares != NULL && spares->class == class && spares->count < CLOCK_SPARES) {
        spares->spare[spares->count++] = snapshot;
        return;
    }
    struct clock_pool *pool = snapshot->pool;
    pool->host->enter(pool->host->ctx, RANK_CLOCKS);
    snapshot->next = pool->free[class];
    pool->free[class] = snapshot;
    pool->host->leave(pool->host->ctx, RANK_CLOCKS);
}

/* ---- stamps ----------------------------------------------------------------------------------------------------- */

bool clock_stamp_before(const struct clock_stamp *a, const struct clock_stamp *b)
{
    if (a->slot == b->slot)
        return a->epoch <= b->epoch;
    return a->epoch <= clock_snapshot_epoch(b->seen, a->slot);
}

void clock_stamp_assign(struct clock_stamp *to, const struct clock_stamp *from)
{
    struct clock_stamp copy = *from;
    snapshot_share(copy.seen);
    clock_stamp_drop(to);
    *to = copy;
}

void clock_stamp_drop(struct clock_stamp *stamp)
{
    snapshot_drop(stamp->seen, NULL);
    *stamp = (struct clock_stamp){0};
}

/* ---- maps ------------------------------------------------------------------------------------------------------- */

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t snapshot_size(const struct clock_snapshot *snapshot)
{
    return snapshot == NULL ? 0 : snapshot->size;
}

/* Returns: true when `seen`, or (slot, epoch), has an entry beyond `have`. */
static bool map_is_news(const struct clock_snapshot *have, const struct clock_snapshot *seen, uint32_t slot,
                        uint64_t epoch, uint32_t own_slot)
{
    if (epoch > clock_snapshot_epoch(have, slot) && slot != own_slot)
        return true;
    if (seen == have)
        return false;
    for (uint32_t i = 0; i < snapshot_size(seen); i++)
        if (seen->epoch[i] > clock_snapshot_epoch(have, i) && i != own_slot)
            return true;
    return false;
}

static void map_join(struct clock_snapshot *into, const struct clock_snapshot *from)
{
    for (uint32_t i = 0; i < snapshot_size(from); i++)
        into->epoch[i] = into->epoch[i] > from->epoch[i] ? into->epoch[i] : from->epoch[i];
}

static void map_join_one(struct clock_snapshot *into, uint32_t slot, uint64_t epoch)
{
    if (epoch > 0 && into->epoch[slot] < epoch)
        into->epoch[slot] = epoch;
}

static void change_begins(struct thread_clock *clock)
{
    clock->joins++;
    atomic_thread_fence(memory_order_release); /* odd before anything changes; partner: thread_clock_overhear() */
}

static void change_ends(struct thread_clock *clock)
{
    atomic_thread_fence(memory_order_release); /* all has changed before it is even; partner: thread_clock_overhear() */
    clock->joins++;
}

/* Makes `seen` a snapshot that no other clock has, with room for `size` entries: it may be changed in place, and no object has the same,
 * by which a release would be known for one that changes nothing.  Returns: false without memory. */
static bool make_seen_own(struct thread_clock *clock, uint32_t size)
{
    if (!clock->published && snapshot_size(clock->seen) >= size)
        return true;
    struct clock_snapshot *mine = snapshot_new(clock->spares, max_u32(size, snapshot_size(clock->seen)));
    if (mine == NULL)
        return false;
    map_join(mine, clock->seen);
    snapshot_drop(clock->seen, clock->spares);
    clock->seen = mine;
    clock->published = false;
    return true;
}

/* Joins `seen` and (slot, epoch), which are news, into what the thread has seen. */
static void join_news(struct thread_clock *clock, const struct clock_snapshot *seen, uint32_t slot, uint64_t epoch)
{
    uint32_t size = max_u32(snapshot_size(clock->seen), snapshot_size(seen));
    if (make_seen_own(clock, max_u32(size, epoch > 0 ? slot + 1 : 0))) {
        map_join(clock->seen, seen);
        map_join_one(clock->seen, slot, epoch);
    }
}

/* Whoever has seen an epoch counts as having seen all that its thread had: what is news belongs to the next when somebody has said so. */
static void leave_claimed(struct thread_clock *clock)
{
    /* seq_cst: the change has begun before it looks; partner: thread_clock_claim() */
    atomic_thread_fence(memory_order_seq_cst);
    if (relaxed_load(&clock->claimed) == clock->epoch)
        clock->epoch++;
}

static void thread_clock_join(struct thread_clock *clock, const struct clock_snapshot *seen, uint32_t slot,
                              uint64_t epoch)
{
    if (!map_is_news(clock->seen, seen, slot, epoch, clock->slot))
        return;
    change_begins(clock);
    leave_claimed(clock);
    join_news(clock, seen, slot, epoch);
    change_ends(clock);
}

/* ---- threads and objects ---------------------------------------------------------------------------------------- */

void thread_clock_init(struct thread_clock *clock, struct clock_spares *spares, uint32_t slot, uint64_t epoch)
{
    memset(clock, 0, sizeof *clock);
    clock->slot = slot;
    clock->epoch = epoch;
    clock->spares = spares;
}

void thread_clock_drop(struct thread_clock *clock)
{
    change_begins(clock);
    snapshot_drop(clock->seen, clock->spares);
    clock->seen = NULL;
    clock->published = false;
    clock->later_count = 0;
    change_ends(clock);
}

void thread_clock_take_later(struct thread_clock *clock)
{
    if (clock->later_count == 0)
        return;
    change_begins(clock);
    for (uint32_t i = 0; i < clock->later_count; i++)
        map_join_one(clock->seen, clock->later[i].slot, clock->later[i].epoch);
    clock->later_count = 0;
    change_ends(clock);
}

void thread_clock_receive_later(struct thread_clock *clock, uint32_t slot, uint64_t epoch)
{
    if (clock->later_count == CLOCK_LATER)
        thread_clock_take_later(clock);
    change_begins(clock);
    leave_claimed(clock);
    if (make_seen_own(clock, slot + 1)) {
        clock->later[clock->later_count].slot = slot;
        clock->later[clock->later_count++].epoch = epoch;
    }
    change_ends(clock);
}

struct clock_stamp thread_clock_stamp(struct thread_clock *clock)
{
    thread_clock_take_later(clock);
    clock->published = clock->seen != NULL;
    return (struct clock_stamp){.slot = clock->slot, .epoch = clock->epoch, .seen = clock->seen};
}

struct clock_stamp thread_clock_send(struct thread_clock *clock)
{
    struct clock_stamp stamp = thread_clock_stamp(clock);
    clock->epoch++;
    return stamp;
}

void thread_clock_receive(struct thread_clock *clock, const struct clock_stamp *stamp)
{
    thread_clock_join(clock, stamp->seen, stamp->slot, stamp->epoch);
}

void thread_clock_keep(struct thread_clock *kept, struct thread_clock *clock)
{
    thread_clock_take_later(clock);
    change_begins(kept);
    snapshot_drop(kept->seen, clock->spares);
    snapshot_share(clock->seen);
    clock->published = clock->seen != NULL;
    kept->seen = clock->seen;
    kept->slot = clock->slot;
    kept->epoch = clock->epoch;
    change_ends(kept);
}

/* Returns: what `other` has seen, or takes in later, copied; NULL without memory, or when it has seen nothing. */
static struct clock_snapshot *overheard(struct thread_clock *clock, const volatile struct thread_clock *other)
{
    const struct clock_snapshot *seen = other->seen; /* of the pool, whatever it is by now */
    struct clock_snapshot *copy = seen == NULL ? NULL : snapshot_new(clock->spares, seen->size);
    if (copy != NULL) {
        map_join(copy, seen);
        for (uint32_t i = 0, count = other->later_count; i < count && i < CLOCK_LATER; i++) {
            uint32_t slot = other->later[i].slot;
            map_join_one(copy, slot < copy->size ? slot : 0, slot < copy->size ? other->later[i].epoch : 0);
        }
    }
    return copy;
}

void thread_clock_claim(struct thread_clock *other, uint64_t epoch)
{
    uint64_t before = relaxed_load(&other->claimed);
    while (before < epoch && !atomic_compare_exchange_weak(&other->claimed, &before, epoch)) {
    }
    atomic_thread_fence(memory_order_seq_cst); /* claimed before it is looked at; partner: leave_claimed() */
}

bool thread_clock_overhear(struct thread_clock *clock, const struct thread_clock *other, struct clock_stamp *stamp)
{
    enum { TRIES = 64 };
    const volatile struct thread_clock *theirs = other;
    for (int i = 0; i < TRIES; i++) {
        uint32_t joins = theirs->joins, slot = theirs->slot;
        atomic_thread_fence(memory_order_acquire); /* partner: change_ends() */
        bool sees = theirs->seen != NULL;
        *stamp = (struct clock_stamp){.slot = slot, .seen = overheard(clock, theirs)};
        atomic_thread_fence(memory_order_acquire); /* what was read before stays before; partner: change_begins() */
        if ((joins & 1) == 0 && theirs->joins == joins && theirs->slot == slot)
            return stamp->seen != NULL || !sees;
        clock_stamp_drop(stamp);
    }
    return false;
}

void thread_clock_note_taken(struct thread_clock *clock, const struct sync_clock *sync)
{
    size_t i = ((uintptr_t)sync >> 6) % CLOCK_ABSORBED;
    clock->absorbed[i].clock = sync;
    clock->absorbed[i].version = relaxed_load(&sync->version);
}

void thread_clock_acquire_slow(struct thread_clock *clock, const struct sync_clock *sync)
{
    thread_clock_join(clock, sync->seen, sync->slot, sync->epoch);
    thread_clock_note_taken(clock, sync);
}

static void sync_clock_replace(struct thread_clock *clock, struct sync_clock *sync)
{
    thread_clock_take_later(clock);
    if (sync->seen != clock->seen) {
        snapshot_share(clock->seen);
        snapshot_drop(sync->seen, clock->spares);
        sync->seen = clock->seen;
        clock->published = clock->seen != NULL;
    }
    sync->slot = clock->slot;
    sync->epoch = clock->epoch++;
}

void thread_clock_release_slow(struct thread_clock *clock, struct sync_clock *sync)
{
    sync_clock_replace(clock, sync);
}

/* Returns: the map of *sync alone to its object, with room for `size` entries, or NULL without memory. */
static struct clock_snapshot *sync_clock_own_map(struct thread_clock *clock, struct sync_clock *sync, uint32_t size)
{
    bool is_own = sync->epoch == 0 && sync->seen != NULL && relaxed_load(&sync->seen->users) == 1;
    if (is_own && sync->seen->size >= size)
        return sync->seen;
    struct clock_snapshot *map = snapshot_new(clock->spares, size);
    if (map != NULL) {
        map_join(map, sync->seen);
        map_join_one(map, sync->slot, sync->epoch);
        snapshot_drop(sync->seen, clock->spares);
        sync->seen = map;
        sync->epoch = 0;
    }
    return map;
}

void thread_clock_release_join(struct thread_clock *clock, struct sync_clock *sync)
{
    thread_clock_take_later(clock);
    if (thread_clock_has_absorbed(clock, sync)) {
        sync_clock_replace(clock, sync);
    } else {
        uint32_t size = max_u32(snapshot_size(sync->seen), snapshot_size(clock->seen));
        size = max_u32(size, max_u32(sync->slot, clock->slot) + 1);
        struct clock_snapshot *map = sync_clock_own_map(clock, sync, size);
        if (map != NULL) {
            map_join(map, clock->seen);
            map_join_one(map, clock->slot, clock->epoch);
        }
        clock->epoch++;
    }
    sync_clock_renew(sync);
}

void thread_clock_pass_on(struct thread_clock *clock, struct sync_clock *sync, const struct clock_stamp *stamp)
{
    uint32_t size = max_u32(snapshot_size(sync->seen), snapshot_size(stamp->seen));
    size = max_u32(size, clock->later_count > 0 ? snapshot_size(clock->seen) : 0);
    size = max_u32(size, max_u32(sync->slot, stamp->slot) + 1);
    struct clock_snapshot *map = sync_clock_own_map(clock, sync, size);
    if (map != NULL) {
        map_join(map, stamp->seen);
        map_join_one(map, stamp->slot, stamp->epoch);
        for (uint32_t n = 0; n < clock->later_count; n++)
            map_join_one(map, clock->later[n].slot, clock->later[n].epoch);
    }
    sync_clock_renew(sync);
}

void sync_clock_drop(struct sync_clock *sync)
{
    snapshot_drop(sync->seen, NULL);
    sync->seen = NULL;
    sync->epoch = 0;
    sync->slot = 0;
    sync_clock_renew(sync);
}

void thread_clock_fold(const struct thread_clock *clock, uint64_t seen[CLOCK_FOLDED])
{
    for (uint32_t i = 0; i < CLOCK_FOLDED; i++)
        seen[i] = i == clock->slot % CLOCK_FOLDED ? clock->epoch : 0;
    for (uint32_t slot = 0; clock->seen != NULL && slot < clock->seen->size; slot++) {
        uint64_t epoch = clock->seen->epoch[slot];
        seen[slot % CLOCK_FOLDED] = epoch > seen[slot % CLOCK_FOLDED] ? epoch : seen[slot % CLOCK_FOLDED];
    }
}
