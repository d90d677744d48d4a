#include "detector/race_granules.h"

enum {
    COMMON = 0,
    GRANULES_MOST = 1 << 20,
    GRANULES_NARROW = 1 << 17,
    LAST_SHIFT = 48,
    LONG = 64,    /* uses in a row until they count as such */
    LOOKED_AT = 4 /* so many unobserved ones does one weigh that is none */
};

#define BUCKET_FILTERS (UINT64_MAX << 32)

struct granule { /* one to a cache line: threads at different addresses do not meet */
    _Alignas(RACE_LINE_BYTES) _Atomic uint64_t address;
    struct sync_clock clock;
    _Atomic uint32_t next; /* in the bucket, or while free */
    _Atomic uint8_t mask;  /* of bytes */
    bool is_mixed;
    uint8_t last_bytes, last_how;
    uint64_t last;       /* slot << LAST_SHIFT | epoch */
    uint32_t user;       /* slot of the thread that used it last, ... */
    uint32_t uses;       /* ... that often in a row */
    uint32_t unobserved; /* how often nobody saw what was there, less LOOKED_AT for each use that did */
    uint32_t born;       /* engine->becomings at that time */
};

struct race_granules {
    _Atomic uint32_t lock; /* of free and used */
    uint32_t free;
    uint32_t used;  /* granules ever taken, and the common one */
    uint32_t count; /* room for */
    struct granule *granules;
    struct sync_clock *loose;     /* by granule; NULL without --races=hybrid */
    _Atomic uint64_t common_lock; /* used as a bucket */
    _Atomic uint64_t pages_used[RACE_GRANULE_PAGES / 64];
    _Alignas(RACE_PAGE) _Atomic uint64_t bucket[RACE_GRANULE_BUCKETS];
};

bool race_granules_init(struct race_engine *engine)
{
    const struct race_host *host = &engine->host;
    struct race_granules *table = host->reserve(host->ctx, sizeof *table);
    if (table == NULL)
        return false;
    engine->granules = table;
    engine->granule_buckets = table->bucket;
    table->used = COMMON + 1;
    table->count = engine->window == UINT32_MAX ? GRANULES_MOST : GRANULES_NARROW;
    table->granules = host->reserve(host->ctx, table->count * sizeof(struct granule));
    if (engine->d->options.hybrid_races) {
        table->loose = host->reserve(host->ctx, table->count * sizeof(struct sync_clock));
        if (table->loose == NULL)
            return false;
    }
    return table->granules != NULL;
}

static void drop_clocks(struct race_granules *table, uint32_t i)
{
    sync_clock_drop(&table->granules[i].clock);
    if (table->loose != NULL)
        sync_clock_drop(&table->loose[i]);
}

void race_granules_delete(struct race_engine *engine)
{
    const struct race_host *host = &engine->host;
    struct race_granules *table = engine->granules;
    if (table == NULL)
        return;
    if (table->granules != NULL) {
        for (uint32_t i = COMMON; i < table->used; i++)
            drop_clocks(table, i);
        host->release(host->ctx, table->granules, table->count * sizeof(struct granule));
    }
    if (table->loose != NULL)
        host->release(host->ctx, table->loose, table->count * sizeof(struct sync_clock));
    host->release(host->ctx, table, sizeof *table);
}

/* ---- buckets ---------------------------------------------------------------------------------------------------- */

static _Atomic uint64_t *bucket_of(struct race_engine *engine, uint64_t granule)
{
    return &engine->granules->bucket[race_granule_bucket(granule)];
}

/* Returns: what the bucket holds, without the lock bit. */
static uint64_t bucket_lock(_Atomic uint64_t *bucket)
{
    uint32_t spins = 0;
    for (;;) {
        uint64_t held = relaxed_load(bucket);
        if ((held & RACE_GRANULE_LOCK) == 0 &&
            /* partner: bucket_unlock() */
            atomic_compare_exchange_weak_explicit(bucket, &held, held | RACE_GRANULE_LOCK, memory_order_acquire,
                                                  memory_order_relaxed))
            return held;
        race_pause(&spins);
    }
}

static void bucket_unlock(_Atomic uint64_t *bucket, uint64_t held)
{
    atomic_store_explicit(bucket, held, memory_order_release); /* partner: bucket_lock() */
}

static uint32_t first_of(uint64_t held)
{
    return (uint32_t)(held & (RACE_GRANULE_LOCK - 1));
}

/* The page of the bucket is not all zero from now on. */
static void use_page(struct race_granules *table, uint32_t bucket)
{
    uint32_t page = bucket >> RACE_GRANULE_PAGE_BITS;
    uint64_t bit = UINT64_C(1) << page % 64;
    if ((relaxed_load(&table->pages_used[page / 64]) & bit) == 0) {
        /* relaxed: who reads it is alone */
        atomic_fetch_or_explicit(&table->pages_used[page / 64], bit, memory_order_relaxed);
    }
}

static bool is_object(const struct granule *g, uint64_t address, uint32_t any)
{
    return relaxed_load(&g->address) == address && (relaxed_load(&g->mask) & any) != 0;
}

static uint32_t next_of(const struct race_granules *table, uint32_t i)
{
    return relaxed_load(&table->granules[i].next);
}

static uint32_t mask_of(const struct race_granules *table, uint32_t i)
{
    return relaxed_load(&table->granules[i].mask);
}

/* Returns: the first object of the chain that begins with `i` and has one of the bytes `any` of that granule, or 0. */
static uint32_t find(const struct race_granules *table, uint32_t i, uint64_t address, uint32_t any)
{
    while (i != 0 && !is_object(&table->granules[i], address, any))
        i = next_of(table, i);
    return i;
}

/* Returns: the bytes of all objects of the granule. */
static uint32_t find_mask(const struct race_granules *table, uint32_t first, uint64_t address)
{
    uint32_t mask = 0;
    for (uint32_t i = first; (i = find(table, i, address, UINT32_MAX)) != 0; i = next_of(table, i))
        mask |= mask_of(table, i);
    return mask;
}

/* ---- the free ones ---------------------------------------------------------------------------------------------- */

static void free_lock(struct race_granules *table)
{
    uint32_t spins = 0;
    while (atomic_exchange_explicit(&table->lock, 1, memory_order_acquire) != 0) /* partner: free_unlock() */
        race_pause(&spins);
}

static void free_unlock(struct race_granules *table)
{
    atomic_store_explicit(&table->lock, 0, memory_order_release); /* partner: free_lock() */
}

/* Returns: the number of a granule without a clock, or 0. */
static uint32_t granule_take(struct race_granules *table)
{
    free_lock(table);
    uint32_t i = table->free;
    if (i != 0)
        table->free = next_of(table, i);
    else if (table->used < table->count)
        i = table->used++;
    free_unlock(table);
    return i;
}

static void granule_return(struct race_granules *table, uint32_t i)
{
    drop_clocks(table, i);
    free_lock(table);
    relaxed_store(&table->granules[i].next, table->free);
    table->free = i;
    free_unlock(table);
}

/* ---- putting and removing --------------------------------------------------------------------------------------- */

/* What one of them has released, whoever noted that he had acquired it from another looks for anew. */
static void mix(struct race_granules *table, uint32_t first, uint64_t address)
{
    for (uint32_t i = first; (i = find(table, i, address, UINT32_MAX)) != 0; i = next_of(table, i)) {
        table->granules[i].is_mixed = true;
        sync_clock_renew(&table->granules[i].clock);
    }
}

/* Returns: the number of a new object before the first, or 0 when there is no room. */
static uint32_t add(struct race_engine *engine, uint32_t first, uint64_t address, uint32_t mask)
{
    struct race_granules *table = engine->granules;
    uint32_t i = granule_take(table);
    if (i == 0)
        return 0;
    struct granule *g = &table->granules[i];
    relaxed_store(&g->address, address);
    relaxed_store(&g->mask, (uint8_t)mask);
    g->is_mixed = false;
    g->last = 0;
    g->uses = g->unobserved = 0;
    g->born = relaxed_load(&engine->becomings);
    relaxed_store(&g->next, first);
    return i;
}

bool race_granule_put(struct race_engine *engine, uint64_t granule, uint32_t mask, struct race_granule_hold *hold)
{
    struct race_granules *table = engine->granules;
    use_page(table, race_granule_bucket(granule));
    hold->bucket = bucket_of(engine, granule);
    hold->held = bucket_lock(hold->bucket);
    hold->any = mask;
    uint32_t first = first_of(hold->held), i = find(table, first, granule, mask);
    if (i == 0) {
        i = add(engine, first, granule, mask);
        if (i == 0) {
            race_granule_release(hold);
            return false;
        }
        hold->held = (hold->held & BUCKET_FILTERS) | race_granule_filter(granule) | i;
        race_count(&engine->sync_addresses);
    } else if ((mask_of(table, i) & mask) != mask) {
        uint32_t more = mask & ~find_mask(table, first, granule);
        relaxed_store(&table->granules[i].mask, (uint8_t)(mask_of(table, i) | more));
        mix(table, first, granule);
    }
    hold->number = i;
    return true;
}

/* Returns: the chain that was taken out: objects of the granule with any of these bytes. */
static uint32_t take_out(struct race_granules *table, uint32_t *first, uint64_t address, uint32_t any)
{
    uint32_t gone = 0;
    for (uint32_t i = *first, before = 0, next; i != 0; i = next) {
        struct granule *g = &table->granules[i];
        next = next_of(table, i);
        if (!is_object(g, address, any)) {
            before = i;
            continue;
        }
        if (before == 0)
            *first = next;
        else
            relaxed_store(&table->granules[before].next, next);
        relaxed_store(&g->next, gone);
        gone = i;
    }
    return gone;
}

/* Returns: what a bucket with this chain holds. */
static uint64_t held_of(const struct race_granules *table, uint32_t first)
{
    uint64_t held = first;
    for (uint32_t i = first; i != 0; i = next_of(table, i))
        held |= race_granule_filter(relaxed_load(&table->granules[i].address));
    return held;
}

void race_granules_remove(struct race_engine *engine, uint64_t low, uint64_t high)
{
    struct race_granules *table = engine->granules;
    while (low < high) {
        uint64_t address = low & ~(uint64_t)(RACE_GRANULE_BYTES - 1), end = address + RACE_GRANULE_BYTES;
        uint32_t any = race_granule_mask(low, (size_t)((end < high ? end : high) - low));
        _Atomic uint64_t *bucket = bucket_of(engine, address);
        low = end;
        if (!race_granule_may_be_in(relaxed_load(bucket), address))
            continue;
        uint32_t first = first_of(bucket_lock(bucket)), gone = take_out(table, &first, address, any);
        bucket_unlock(bucket, held_of(table, first));
        while (gone != 0) {
            uint32_t next = next_of(table, gone);
            granule_return(table, gone);
            gone = next;
        }
    }
}

/* ---- looking without a lock ------------------------------------------------------------------------------------ */

/* A bucket with one object can be looked at while nobody has its lock, who may be about to add one: when it has changed behind that, it
 * is another object's, or none's. */
bool race_granule_is_clear(const struct race_engine *engine, uint64_t granule, uint32_t any)
{
    const struct race_granules *table = engine->granules;
    const _Atomic uint64_t *bucket = &engine->granule_buckets[race_granule_bucket(granule)];
    uint64_t held = atomic_load_explicit(bucket, memory_order_acquire); /* partner: bucket_unlock() */
    uint32_t first = first_of(held);
    if ((held & RACE_GRANULE_LOCK) != 0 || next_of(table, first) != 0 ||
        is_object(&table->granules[first], granule, any))
        return false;
    atomic_thread_fence(memory_order_acquire); /* the object before the bucket again */
    return relaxed_load(bucket) == held;
}

/* ---- holding ---------------------------------------------------------------------------------------------------- */

bool race_granule_hold(struct race_engine *engine, uint64_t granule, uint32_t any, uint32_t all,
                       struct race_granule_hold *hold)
{
    const struct race_granules *table = engine->granules;
    hold->bucket = bucket_of(engine, granule);
    if (!race_granule_may_be_in(relaxed_load(hold->bucket), granule))
        return false;
    hold->held = bucket_lock(hold->bucket);
    uint32_t first = first_of(hold->held), i = find(table, first, granule, any), mask = mask_of(table, i);
    hold->any = any;
    if (i != 0 && table->granules[i].is_mixed) {
        i = find(table, first, granule, UINT32_MAX);
        mask = find_mask(table, first, granule);
        hold->any = UINT32_MAX;
    }
    if (i == 0 || (mask & all) != all) {
        race_granule_release(hold);
        return false;
    }
    hold->number = i;
    return true;
}

bool race_granule_next(const struct race_engine *engine, struct race_granule_hold *hold)
{
    const struct granule *held = &engine->granules->granules[hold->number];
    uint32_t i = find(engine->granules, relaxed_load(&held->next), relaxed_load(&held->address), hold->any);
    hold->number = i == 0 ? hold->number : i;
    return i != 0;
}

bool race_granule_is_mixed(const struct race_engine *engine, const struct race_granule_hold *hold)
{
    return engine->granules->granules[hold->number].is_mixed;
}

void race_granule_hold_common(struct race_engine *engine, struct race_granule_hold *hold)
{
    hold->bucket = &engine->granules->common_lock;
    hold->held = bucket_lock(hold->bucket);
    hold->number = COMMON;
}

void race_granule_release(const struct race_granule_hold *hold)
{
    bucket_unlock(hold->bucket, hold->held);
}

struct sync_clock *race_granule_clock(struct race_engine *engine, const struct race_granule_hold *hold)
{
    return &engine->granules->granules[hold->number].clock;
}

struct sync_clock *race_granule_loose(struct race_engine *engine, const struct race_granule_hold *hold)
{
    struct race_granules *table = engine->granules;
    return table->loose == NULL ? NULL : &table->loose[hold->number];
}

static uint32_t one_more(uint32_t count, uint32_t most)
{
    return count < most ? count + 1 : most;
}

unsigned race_granule_note_use(struct race_engine *engine, const struct race_granule_hold *hold, uint32_t slot,
                               bool is_unobserved)
{
    struct granule *g = &engine->granules->granules[hold->number];
    g->uses = g->user != slot ? 0 : one_more(g->uses, LONG);
    g->unobserved = is_unobserved               ? one_more(g->unobserved, 2 * LONG)
                    : g->unobserved > LOOKED_AT ? g->unobserved - LOOKED_AT
                                                : 0;
    g->user = slot;
    return (g->uses >= LONG ? RACE_USED_ALONE : 0u) | (g->unobserved >= LONG ? RACE_USED_UNOBSERVED : 0u);
}

void race_granule_set_last(struct race_engine *engine, const struct race_granule_hold *hold, struct race_last last)
{
    struct granule *g = &engine->granules->granules[hold->number];
    g->last = last.slot < RACE_SLOTS ? (uint64_t)last.slot << LAST_SHIFT | last.epoch : 0;
    g->last_bytes = last.bytes;
    g->last_how = last.how;
}

struct race_last race_granule_last(struct race_engine *engine, const struct race_granule_hold *hold)
{
    const struct granule *g = &engine->granules->granules[hold->number];
    return (struct race_last){.epoch = g->last & ((UINT64_C(1) << LAST_SHIFT) - 1),
                              .slot = (uint32_t)(g->last >> LAST_SHIFT),
                              .bytes = g->last_bytes,
                              .how = g->last_how};
}

uint32_t race_granule_born(struct race_engine *engine, const struct race_granule_hold *hold)
{
    return engine->granules->granules[hold->number].born;
}

uint32_t race_granule_sync_bytes(struct race_engine *engine, const struct race_granule_hold *hold)
{
    return mask_of(engine->granules, hold->number);
}

/* ---- fork ------------------------------------------------------------------------------------------------------- */

static void unlock_page(_Atomic uint64_t *buckets)
{
    for (uint32_t i = 0; i < 1 << RACE_GRANULE_PAGE_BITS; i++) {
        uint64_t held = relaxed_load(&buckets[i]);
        if ((held & RACE_GRANULE_LOCK) != 0)
            relaxed_store(&buckets[i], held & ~RACE_GRANULE_LOCK);
    }
}

void race_granules_forked(struct race_engine *engine)
{
    struct race_granules *table = engine->granules;
    relaxed_store(&table->lock, 0);
    relaxed_store(&table->common_lock, 0);
    for (uint32_t word = 0; word < RACE_GRANULE_PAGES / 64; word++) {
        for (uint64_t pages = relaxed_load(&table->pages_used[word]); pages != 0; pages &= pages - 1) {
            uint32_t page = word * 64 + (uint32_t)__builtin_ctzll(pages);
            unlock_page(&table->bucket[page << RACE_GRANULE_PAGE_BITS]);
        }
    }
}
