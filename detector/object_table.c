#include "detector/object_table.h"

#include <string.h>

#define GRANULE_SHIFT 8
#define SLAB_OBJECTS  20
/* A look-up that keeps losing against changes gives up: the caller's next step takes RANK_OBJECTS and looks again. */
#define LOOKUP_TRIES 1000

struct object_slab {
    struct object_slab *next;
    _Alignas(64) struct object object[SLAB_OBJECTS];
};

static uint32_t granule_hash(uint64_t address)
{
    return (uint32_t)(((address >> GRANULE_SHIFT) * 0x9e3779b97f4a7c15u) >> 32);
}

/* Returns: the bucket of `hash` in a table of `buckets`: the low bits, one bit fewer where that one is not there yet.
 */
static uint32_t bucket_number(uint32_t hash, uint32_t buckets)
{
    uint32_t mask = UINT32_MAX >> __builtin_clz(buckets | 1);
    uint32_t number = hash & mask;
    return number < buckets ? number : number & (mask >> 1);
}

static uint32_t segment_of(uint32_t number)
{
    return number < BUCKET_FIRST ? 0 : (uint32_t)(32 - __builtin_clz(number / BUCKET_FIRST));
}

static _Atomic(struct object *) *bucket_at(const struct object_table *table, uint32_t number)
{
    uint32_t segment = segment_of(number);
    uint32_t first = segment == 0 ? 0 : (uint32_t)BUCKET_FIRST << (segment - 1);
    return &table->segment[segment][number - first];
}

static size_t segment_buckets(uint32_t segment)
{
    return segment == 0 ? BUCKET_FIRST : (size_t)BUCKET_FIRST << (segment - 1);
}

static bool segment_make(struct object_table *table, uint32_t segment)
{
    if (segment >= BUCKET_SEGMENTS)
        return false;
    if (table->segment[segment] == NULL) {
        size_t bytes = segment_buckets(segment) * sizeof(struct object *);
        table->segment[segment] = table->host->alloc(table->host->ctx, bytes);
    }
    return table->segment[segment] != NULL;
}

bool object_table_init(struct object_table *table, const struct detector_host *host)
{
    memset(table, 0, sizeof *table);
    table->host = host;
    (void)presence_init(&table->presence, host); /* without it every range may hold an object */
    if (!segment_make(table, 0))
        return false;
    relaxed_store(&table->buckets, BUCKET_FIRST);
    return true;
}

void object_table_delete(struct object_table *table)
{
    for (uint32_t i = 0; i < BUCKET_SEGMENTS; i++)
        if (table->segment[i] != NULL)
            table->host->free(table->host->ctx, table->segment[i], segment_buckets(i) * sizeof(struct object *));
    struct object_slab *slab = table->slabs;
    while (slab != NULL) {
        struct object_slab *next = slab->next;
        table->host->free(table->host->ctx, slab, sizeof *slab);
        slab = next;
    }
    presence_delete(&table->presence, table->host);
}

/* ---- look-up ---------------------------------------------------------------------------------------------------- */

static struct object *chain_find(const struct object_table *table, uint64_t address)
{
    /* acquire: the bucket's segment is there; partner: the release in split_next_bucket() */
    uint32_t buckets = atomic_load_explicit(&table->buckets, memory_order_acquire);
    _Atomic(struct object *) *bucket = bucket_at(table, bucket_number(granule_hash(address), buckets));
    /* acquire: the object is filled; partner: the release in object_table_insert() and chain_add() */
    struct object *o = atomic_load_explicit(bucket, memory_order_acquire);
    while (o != NULL && relaxed_load(&o->address) != address)
        o = atomic_load_explicit(&o->next, memory_order_acquire);
    return o;
}

struct object *object_table_find(const struct object_table *table, uint64_t address)
{
    for (int tries = 0; tries < LOOKUP_TRIES; tries++) {
        /* acquire: the chain is read after this; partner: changes_end() */
        uint32_t before = atomic_load_explicit(&table->changes, memory_order_acquire);
        struct object *o = chain_find(table, address);
        if (o != NULL)
            return o;
        atomic_thread_fence(memory_order_acquire); /* the chain was read before `changes` is read again */
        if ((before & 1) == 0 && relaxed_load(&table->changes) == before)
            return NULL;
        __builtin_ia32_pause();
    }
    return NULL;
}

/* ---- changes, under RANK_OBJECTS -------------------------------------------------------------------------------- */

static void changes_begin(struct object_table *table)
{
    relaxed_store(&table->changes, relaxed_load(&table->changes) + 1);
    atomic_thread_fence(memory_order_release); /* odd before any chain changes; partner: object_table_find() */
}

static void changes_end(struct object_table *table)
{
    /* release: the chains are whole again; partner: object_table_find() */
    atomic_store_explicit(&table->changes, relaxed_load(&table->changes) + 1, memory_order_release);
}

static void chain_add(struct object_table *table, struct object *o)
{
    uint32_t number = bucket_number(granule_hash(relaxed_load(&o->address)), relaxed_load(&table->buckets));
    _Atomic(struct object *) *bucket = bucket_at(table, number);
    relaxed_store(&o->next, relaxed_load(bucket));
    atomic_store_explicit(bucket, o, memory_order_release); /* filled before found; partner: chain_find() */
}

/* Moves to the newest bucket what now belongs there. */
static void split_next_bucket(struct object_table *table)
{
    uint32_t buckets = relaxed_load(&table->buckets);
    if (!segment_make(table, segment_of(buckets)))
        return; /* chains get longer, nothing is lost */
    uint32_t old = buckets & ((UINT32_MAX >> __builtin_clz(buckets)) >> 1);
    changes_begin(table);
    struct object *o = relaxed_load(bucket_at(table, old));
    relaxed_store(bucket_at(table, old), NULL);
    atomic_store_explicit(&table->buckets, buckets + 1, memory_order_release); /* partner: chain_find() */
    while (o != NULL) {
        struct object *next = relaxed_load(&o->next);
        chain_add(table, o);
        o = next;
    }
    changes_end(table);
}

static struct object *object_new(struct object_table *table)
{
    if (table->free == NULL) {
        struct object_slab *slab = table->host->alloc(table->host->ctx, sizeof *slab);
        if (slab == NULL)
            return NULL;
        slab->next = table->slabs;
        table->slabs = slab;
        for (uint32_t i = SLAB_OBJECTS; i-- > 0;) {
            relaxed_store(&slab->object[i].next, table->free);
            table->free = &slab->object[i];
        }
    }
    struct object *o = table->free;
    table->free = relaxed_load(&o->next);
    return o;
}

void object_table_renew(struct object_table *table, struct object *o)
{
    relaxed_store(&o->id, ++table->last_id);
}

struct object *object_table_insert(struct object_table *table, uint64_t address)
{
    struct object *o = object_new(table);
    if (o == NULL)
        return NULL;
    if (table->count >= (uint64_t)relaxed_load(&table->buckets) * BUCKET_LOAD)
        split_next_bucket(table);
    object_table_renew(table, o);
    relaxed_store(&o->address, address);
    presence_add(&table->presence, address);
    chain_add(table, o);
    table->count++;
    return o;
}

static void chain_unlink(struct object_table *table, struct object *o)
{
    uint32_t number = bucket_number(granule_hash(relaxed_load(&o->address)), relaxed_load(&table->buckets));
    _Atomic(struct object *) *link = bucket_at(table, number);
    while (relaxed_load(link) != o)
        link = &relaxed_load(link)->next;
    atomic_store_explicit(link, relaxed_load(&o->next), memory_order_release); /* partner: chain_find() */
    presence_remove(&table->presence, relaxed_load(&o->address));
    relaxed_store(&o->live_address, 0);
    table->count--;
}

void object_table_recycle(struct object_table *table, struct object *o)
{
    relaxed_store(&o->address, 0);
    relaxed_store(&o->id, 0);
    relaxed_store(&o->next, table->free);
    table->free = o;
}

/* Unlinks from one bucket what lies in [low, high), and puts it before *taken. */
static void bucket_take_range(struct object_table *table, uint32_t number, uint64_t low, uint64_t high,
                              struct object **taken)
{
    struct object *o = relaxed_load(bucket_at(table, number));
    while (o != NULL) {
        struct object *next = relaxed_load(&o->next);
        uint64_t address = relaxed_load(&o->address);
        if (address >= low && address < high) {
            changes_begin(table);
            chain_unlink(table, o);
            relaxed_store(&o->next, *taken);
            changes_end(table);
            *taken = o;
        }
        o = next;
    }
}

struct object *object_table_take_range(struct object_table *table, uint64_t low, uint64_t high)
{
    struct object *taken = NULL;
    uint32_t buckets = relaxed_load(&table->buckets);
    uint64_t granules = ((high - 1) >> GRANULE_SHIFT) - (low >> GRANULE_SHIFT) + 1;
    if (granules >= buckets) {
        for (uint32_t i = 0; i < buckets; i++)
            bucket_take_range(table, i, low, high, &taken);
        return taken;
    }
    for (uint64_t i = 0; i < granules; i++) {
        uint32_t number = bucket_number(granule_hash(low + (i << GRANULE_SHIFT)), buckets);
        bucket_take_range(table, number, low, high, &taken);
    }
    return taken;
}

void object_table_visit(struct object_table *table, void (*visit)(void *ctx, struct object *o), void *ctx)
{
    for (uint32_t i = 0; i < relaxed_load(&table->buckets); i++)
        for (struct object *o = relaxed_load(bucket_at(table, i)); o != NULL; o = relaxed_load(&o->next))
            visit(ctx, o);
}

bool object_table_check(const struct object_table *table)
{
    uint64_t count = 0;
    uint32_t buckets = relaxed_load(&table->buckets);
    for (uint32_t i = 0; i < buckets; i++) {
        for (struct object *o = relaxed_load(bucket_at(table, i)); o != NULL; o = relaxed_load(&o->next)) {
            if (bucket_number(granule_hash(relaxed_load(&o->address)), buckets) != i)
                return false;
            count++;
        }
    }
    return count == table->count && count == relaxed_load(&table->presence.total);
}
