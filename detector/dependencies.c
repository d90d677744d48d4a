#include "detector/dependencies.h"

#include <string.h>

enum {
    NODES_PER_BLOCK = 64,
    DEPENDENCIES_PER_BLOCK = 32,
    THREADS_PER_BLOCK = 32,
    ENDED_KEPT = 4,          /* dependencies of ended threads a nesting keeps: evidence for cycles of up to five */
    HELD_PER_DEPENDENCY = 4, /* budget of held-lock entries, on the average */
};

/* A live thread that has dependencies. */
struct order_thread {
    struct dependency *first;
    struct thread_id id;
};

void dependencies_init(struct dependencies *store, const struct detector_host *host, uint64_t max_count)
{
    *store =
        (struct dependencies){.host = host, .max_count = max_count, .max_held_total = max_count * HELD_PER_DEPENDENCY};
    topo_order_init(&store->order, host);
    hash_table_init(&store->nodes, host);
    hash_table_init(&store->nestings, host);
    hash_table_init(&store->threads, host);
    pool_init(&store->node_pool, host, sizeof(struct lock_node), NODES_PER_BLOCK);
    pool_init(&store->dependency_pool, host, sizeof(struct dependency), DEPENDENCIES_PER_BLOCK);
    pool_init(&store->thread_pool, host, sizeof(struct order_thread), THREADS_PER_BLOCK);
}

static size_t nesting_size(size_t held_count)
{
    return sizeof(struct nesting) + held_count * sizeof(struct nesting_held);
}

static void *host_alloc(const struct dependencies *store, size_t size)
{
    return store->host->alloc(store->host->ctx, size);
}

static void host_free(const struct dependencies *store, void *memory, size_t size)
{
    store->host->free(store->host->ctx, memory, size);
}

/* ---- look-up ---------------------------------------------------------------------------------------------------- */

static uint64_t id_hash(uint32_t id)
{
    return hash_mix(0, id);
}

static bool node_matches(const void *item, const void *key)
{
    return ((const struct lock_node *)item)->object.id.v == *(const uint32_t *)key;
}

static bool thread_matches(const void *item, const void *key)
{
    return ((const struct order_thread *)item)->id.v == *(const uint32_t *)key;
}

static uint64_t hash_begin(struct object_id wanted, enum lock_mode mode)
{
    return hash_mix(wanted.v, (uint64_t)mode);
}

static uint64_t hash_held(uint64_t hash, struct object_id held, enum lock_mode mode, const struct object_id *under)
{
    hash = hash_mix(hash, (uint64_t)held.v << 1 | (uint64_t)mode);
    for (size_t i = 0; i < TAKEN_UNDER_MOST && under[i].v; i++)
        hash = hash_mix(hash, under[i].v);
    return hash;
}

static uint64_t request_hash(const struct order_request *request)
{
    uint64_t hash = hash_begin(request->wanted.id, request->mode);
    for (size_t i = 0; i < request->held_count; i++)
        hash = hash_held(hash, request->held[i].object.id, request->held[i].mode, request->held[i].taken_under);
    return hash;
}

uint64_t nesting_hash(const struct nesting *nesting)
{
    uint64_t hash = hash_begin(nesting->wanted->object.id, nesting->mode);
    for (size_t i = 0; i < nesting->live_count; i++)
        hash = hash_held(hash, nesting->held[i].node->object.id, nesting->held[i].mode, nesting->held[i].taken_under);
    return hash;
}

static bool nesting_matches_request(const void *item, const void *key)
{
    const struct nesting *nesting = item;
    const struct order_request *request = key;
    if (nesting->wanted->object.id.v != request->wanted.id.v || nesting->mode != request->mode ||
        nesting->live_count != request->held_count)
        return false;
    for (size_t i = 0; i < nesting->live_count; i++)
        if (nesting->held[i].node->object.id.v != request->held[i].object.id.v ||
            nesting->held[i].mode != request->held[i].mode ||
            memcmp(nesting->held[i].taken_under, request->held[i].taken_under, sizeof request->held[i].taken_under) !=
                0)
            return false;
    return true;
}

static bool nesting_matches_nesting(const void *item, const void *key)
{
    const struct nesting *a = item;
    const struct nesting *b = key;
    if (a->wanted != b->wanted || a->mode != b->mode || a->live_count != b->live_count)
        return false;
    for (size_t i = 0; i < a->live_count; i++)
        if (a->held[i].node != b->held[i].node || a->held[i].mode != b->held[i].mode ||
            memcmp(a->held[i].taken_under, b->held[i].taken_under, sizeof a->held[i].taken_under) != 0)
            return false;
    return true;
}

static struct dependency *find_in_nesting(const struct nesting *nesting, struct thread_id thread, size_t held_count)
{
    /* held_count tells a dependency that held just the nesting's locks from one that also held a lock now gone. */
    for (struct dependency *d = nesting->last; d; d = d->prev)
        if (d->thread.v == thread.v && d->held_count == held_count)
            return d;
    return NULL;
}

struct dependency *dependencies_find(const struct dependencies *store, const struct order_request *request)
{
    const struct nesting *nesting =
        hash_table_find(&store->nestings, request_hash(request), nesting_matches_request, request);
    return nesting ? find_in_nesting(nesting, request->thread, request->held_count) : NULL;
}

/* ---- nodes ------------------------------------------------------------------------------------------------------ */

static struct lock_node *find_node(const struct dependencies *store, struct object_id lock)
{
    return hash_table_find(&store->nodes, id_hash(lock.v), node_matches, &lock.v);
}

static void delete_node(struct dependencies *store, struct lock_node *node)
{
    hash_table_remove(&store->nodes, id_hash(node->object.id.v), node);
    topo_node_remove(&store->order, &node->topo);
    pool_give(&store->node_pool, node);
}

static struct lock_node *get_node(struct dependencies *store, const struct object_ref *object)
{
    struct lock_node *node = find_node(store, object->id);
    if (node)
        return node;
    node = pool_take(&store->node_pool);
    if (!node)
        return NULL;
    node->object = *object;
    if (!topo_node_add(&store->order, &node->topo)) {
        pool_give(&store->node_pool, node);
        return NULL;
    }
    if (!hash_table_insert(&store->nodes, id_hash(object->id.v), node)) {
        delete_node(store, node);
        return NULL;
    }
    return node;
}

/* ---- nestings --------------------------------------------------------------------------------------------------- */

static void link_held(struct nesting_held *held)
{
    held->prev = NULL;
    held->next = held->node->held_by;
    if (held->next)
        held->next->prev = held;
    held->node->held_by = held;
}

static void unlink_held(struct nesting_held *held)
{
    *(held->prev ? &held->prev->next : &held->node->held_by) = held->next;
    if (held->next)
        held->next->prev = held->prev;
}

static void link_nesting(struct nesting *nesting)
{
    nesting->next = nesting->wanted->wanted_by;
    if (nesting->next)
        nesting->next->prev = nesting;
    nesting->wanted->wanted_by = nesting;
}

static void unlink_nesting(struct nesting *nesting)
{
    *(nesting->prev ? &nesting->prev->next : &nesting->wanted->wanted_by) = nesting->next;
    if (nesting->next)
        nesting->next->prev = nesting->prev;
}

/* Takes a nesting without dependencies out of everything that knows it. */
static void delete_nesting(struct dependencies *store, struct nesting *nesting)
{
    hash_table_remove(&store->nestings, nesting->hash, nesting);
    for (size_t i = 0; i < nesting->live_count; i++) {
        topo_edge_drop(&store->order, &nesting->held[i].node->topo, &nesting->wanted->topo);
        unlink_held(&nesting->held[i]);
    }
    unlink_nesting(nesting);
    host_free(store, nesting, nesting_size(nesting->held_count));
}

/* Fills in the held locks with their edges, as far as memory goes; live_count says how far. */
static bool fill_nesting(struct dependencies *store, struct nesting *nesting, const struct order_request *request)
{
    for (size_t i = 0; i < request->held_count; i++) {
        struct nesting_held *held = &nesting->held[i];
        held->node = get_node(store, &request->held[i].object);
        if (!held->node || !topo_edge_add(&store->order, &held->node->topo, &nesting->wanted->topo))
            return false;
        held->nesting = nesting;
        held->mode = request->held[i].mode;
        memcpy(held->taken_under, request->held[i].taken_under, sizeof held->taken_under);
        link_held(held);
        nesting->live_count++;
    }
    return true;
}

static struct nesting *add_nesting(struct dependencies *store, const struct order_request *request)
{
    struct lock_node *wanted = get_node(store, &request->wanted);
    struct nesting *nesting = wanted ? host_alloc(store, nesting_size(request->held_count)) : NULL;
    if (!nesting)
        return NULL;
    nesting->wanted = wanted;
    nesting->mode = request->mode;
    nesting->prefers_writers = request->prefers_writers;
    nesting->held_count = request->held_count;
    nesting->hash = request_hash(request);
    link_nesting(nesting);
    if (!fill_nesting(store, nesting, request) || !hash_table_insert(&store->nestings, nesting->hash, nesting)) {
        delete_nesting(store, nesting);
        return NULL;
    }
    return nesting;
}

static struct nesting *get_nesting(struct dependencies *store, const struct order_request *request)
{
    struct nesting *nesting =
        hash_table_find(&store->nestings, request_hash(request), nesting_matches_request, request);
    return nesting ? nesting : add_nesting(store, request);
}

/* ---- dependencies ----------------------------------------------------------------------------------------------- */

static struct order_thread *get_thread(struct dependencies *store, struct thread_id id)
{
    struct order_thread *thread = hash_table_find(&store->threads, id_hash(id.v), thread_matches, &id.v);
    if (thread)
        return thread;
    thread = pool_take(&store->thread_pool);
    if (!thread)
        return NULL;
    thread->id = id;
    if (!hash_table_insert(&store->threads, id_hash(id.v), thread)) {
        pool_give(&store->thread_pool, thread);
        return NULL;
    }
    return thread;
}

static void link_to_thread(struct dependency *d, struct order_thread *owner)
{
    d->owner = owner;
    d->next_of_thread = owner->first;
    if (d->next_of_thread)
        d->next_of_thread->prev_of_thread = d;
    owner->first = d;
}

static void unlink_from_thread(struct dependency *d)
{
    if (!d->owner)
        return;
    *(d->prev_of_thread ? &d->prev_of_thread->next_of_thread : &d->owner->first) = d->next_of_thread;
    if (d->next_of_thread)
        d->next_of_thread->prev_of_thread = d->prev_of_thread;
    d->owner = NULL;
    d->next_of_thread = d->prev_of_thread = NULL;
}

static void append_to_nesting(struct nesting *nesting, struct dependency *d)
{
    d->nesting = nesting;
    d->next = NULL;
    d->prev = nesting->last;
    *(d->prev ? &d->prev->next : &nesting->first) = d;
    nesting->last = d;
    nesting->ended_count += d->thread_ended;
}

static void take_from_nesting(struct dependency *d)
{
    struct nesting *nesting = d->nesting;
    *(d->prev ? &d->prev->next : &nesting->first) = d->next;
    *(d->next ? &d->next->prev : &nesting->last) = d->prev;
    nesting->ended_count -= d->thread_ended;
}

static void free_dependency(struct dependencies *store, struct dependency *d)
{
    clock_stamp_drop(&d->first);
    clock_stamp_drop(&d->last);
    host_free(store, d->held, d->held_count * sizeof *d->held);
    store->held_total -= d->held_count;
    store->count--;
    pool_give(&store->dependency_pool, d);
}

/* Leaves the nesting, even when that is empty now. */
static void delete_dependency(struct dependencies *store, struct dependency *d)
{
    take_from_nesting(d);
    unlink_from_thread(d);
    free_dependency(store, d);
}

static struct dependency *new_dependency(struct dependencies *store, const struct order_request *request)
{
    struct dependency *d = pool_take(&store->dependency_pool);
    if (!d)
        return NULL;
    d->held = host_alloc(store, request->held_count * sizeof *d->held);
    if (!d->held) {
        pool_give(&store->dependency_pool, d);
        return NULL;
    }
    memcpy(d->held, request->held, request->held_count * sizeof *d->held);
    d->held_count = request->held_count;
    d->thread = request->thread;
    d->at = request->at;
    d->signal_number = request->signal_number;
    clock_stamp_assign(&d->first, &request->stamp);
    clock_stamp_assign(&d->last, &request->stamp);
    atomic_init(&d->latest_epoch, request->stamp.epoch);
    atomic_init(&d->searched_epoch, request->stamp.epoch);
    store->count++;
    store->held_total += request->held_count;
    return d;
}

struct dependency *dependencies_add(struct dependencies *store, const struct order_request *request)
{
    if (store->count >= store->max_count || store->held_total + request->held_count > store->max_held_total)
        return NULL;
    struct order_thread *owner = get_thread(store, request->thread);
    struct dependency *d = owner ? new_dependency(store, request) : NULL;
    if (!d)
        return NULL;
    struct nesting *nesting = get_nesting(store, request);
    if (!nesting) {
        free_dependency(store, d);
        return NULL;
    }
    append_to_nesting(nesting, d);
    link_to_thread(d, owner);
    return d;
}

bool dependency_on_cycle(const struct dependency *dependency)
{
    const struct nesting *nesting = dependency->nesting;
    for (size_t i = 0; i < nesting->live_count; i++)
        if (topo_on_cycle(&nesting->held[i].node->topo, &nesting->wanted->topo))
            return true;
    return false;
}

/* ---- ends of locks and threads ---------------------------------------------------------------------------------- */

static void delete_nesting_with_dependencies(struct dependencies *store, struct nesting *nesting)
{
    while (nesting->first)
        delete_dependency(store, nesting->first);
    delete_nesting(store, nesting);
}

/* Keeps a nesting's record of ended threads short; the oldest evidence goes first. */
static void trim_ended(struct dependencies *store, struct nesting *nesting)
{
    struct dependency *next = NULL;
    for (struct dependency *d = nesting->first; d && nesting->ended_count > ENDED_KEPT; d = next) {
        next = d->next;
        if (d->thread_ended)
            delete_dependency(store, d);
    }
}

static uint64_t latest_epoch(const struct dependency *d)
{
    return atomic_load_explicit(&d->latest_epoch, memory_order_relaxed);
}

/* Moves all of `from`, which has become equal to `into`, there; of two by one thread the later one stays. */
static void merge_nestings(struct dependencies *store, struct nesting *into, struct nesting *from)
{
    while (from->first) {
        struct dependency *d = from->first;
        struct dependency *same = find_in_nesting(into, d->thread, d->held_count);
        if (same && latest_epoch(same) > latest_epoch(d)) {
            delete_dependency(store, d);
            continue;
        }
        if (same)
            delete_dependency(store, same);
        take_from_nesting(d);
        append_to_nesting(into, d);
    }
    trim_ended(store, into);
}

/* A held lock is gone: the nesting goes on with the others. */
static void forget_held(struct dependencies *store, struct nesting_held *gone)
{
    struct nesting *nesting = gone->nesting;
    if (nesting->live_count == 1) {
        delete_nesting_with_dependencies(store, nesting);
        return;
    }
    hash_table_remove(&store->nestings, nesting->hash, nesting);
    topo_edge_drop(&store->order, &gone->node->topo, &nesting->wanted->topo);
    unlink_held(gone);
    nesting->live_count--;
    for (struct nesting_held *held = gone; held < nesting->held + nesting->live_count; held++) {
        unlink_held(held + 1);
        *held = held[1];
        link_held(held);
    }
    nesting->hash = nesting_hash(nesting);
    struct nesting *same = hash_table_find(&store->nestings, nesting->hash, nesting_matches_nesting, nesting);
    if (same)
        merge_nestings(store, same, nesting);
    if (same || !hash_table_insert(&store->nestings, nesting->hash, nesting))
        delete_nesting_with_dependencies(store, nesting);
}

bool dependencies_remove_lock(struct dependencies *store, struct object_id lock)
{
    struct lock_node *node = find_node(store, lock);
    if (!node)
        return false;
    while (node->wanted_by)
        delete_nesting_with_dependencies(store, node->wanted_by);
    while (node->held_by)
        forget_held(store, node->held_by);
    delete_node(store, node);
    return true;
}

static void forget_units(const struct nesting *nesting, struct object_id semaphore)
{
    for (struct dependency *d = nesting->first; d; d = d->next)
        for (size_t i = 0; i < d->held_count; i++)
            if (d->held[i].object.id.v == semaphore.v)
                d->held[i].units = 0;
}

void dependencies_forget_units(struct dependencies *store, struct object_id semaphore)
{
    const struct lock_node *node = find_node(store, semaphore);
    for (const struct nesting_held *held = node ? node->held_by : NULL; held; held = held->next)
        forget_units(held->nesting, semaphore);
}

void dependencies_thread_ended(struct dependencies *store, struct thread_id id)
{
    struct order_thread *thread = hash_table_find(&store->threads, id_hash(id.v), thread_matches, &id.v);
    if (!thread)
        return;
    while (thread->first) {
        struct dependency *d = thread->first;
        unlink_from_thread(d);
        d->thread_ended = true;
        d->nesting->ended_count++;
        trim_ended(store, d->nesting);
    }
    hash_table_remove(&store->threads, id_hash(id.v), thread);
    pool_give(&store->thread_pool, thread);
}

static void release_node(void *ctx, void *item)
{
    struct lock_node *node = item;
    while (node->wanted_by)
        delete_nesting_with_dependencies(ctx, node->wanted_by);
}

void dependencies_release(struct dependencies *store)
{
    hash_table_visit(&store->nodes, release_node, store);
    hash_table_release(&store->nodes);
    hash_table_release(&store->nestings);
    hash_table_release(&store->threads);
    pool_release(&store->node_pool);
    pool_release(&store->dependency_pool);
    pool_release(&store->thread_pool);
    topo_order_release(&store->order);
}
