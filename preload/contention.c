#include "preload/contention.h"

#include <string.h>

#include "detector/object.h"
#include "preload/arena.h"
#include "preload/clock.h"
#include "preload/ranks.h"
#include "preload/self.h"

enum { LOCK_BUCKETS = 4096, SITE_CACHE_SIZE = 64, HOLDS_MAX = 128 };

struct hold {
    const struct object *object;
    struct contention_site *site;
    uint32_t id;
    uint32_t levels;
    uint64_t since_ns;
};

struct cached_site {
    uint32_t id;
    struct contention_site *site;
};

struct contention_thread {
    const struct object *waited; /* for the lock it asked for last; NULL when it did not have to wait */
    uint64_t wait_since_ns, wait_ns;
    unsigned hold_count;
    struct hold holds[HOLDS_MAX];
    struct cached_site cache[SITE_CACHE_SIZE];
};

static _Atomic(struct contention_lock *) buckets[LOCK_BUCKETS];
static unsigned site_count; /* under OWN_RANK_CONTENTION */
static _Atomic bool was_cut;

static struct contention_thread *thread_of(struct self *self)
{
    if (self->contention == NULL)
        self->contention = arena_alloc(sizeof *self->contention);
    return self->contention;
}

void contention_forget_thread(struct self *self)
{
    if (self->contention != NULL)
        arena_free(self->contention, sizeof *self->contention);
    self->contention = NULL;
}

bool contention_was_cut(void)
{
    return atomic_load_explicit(&was_cut, memory_order_relaxed); /* a flag for the report; partner: contention_site() */
}

/* ---- the table ---------------------------------------------------------------------------------------------------- */

/* acquire: pairs with the release in insert_lock() */
static struct contention_lock *first_lock(uint32_t bucket)
{
    return atomic_load_explicit(&buckets[bucket], memory_order_acquire);
}
static struct contention_lock *next_lock(const struct contention_lock *lock)
{
    return atomic_load_explicit(&lock->next, memory_order_acquire);
}

static struct contention_lock *find_lock(uint32_t id)
{
    struct contention_lock *lock = first_lock(id % LOCK_BUCKETS);
    while (lock != NULL && lock->object.id.v != id)
        lock = next_lock(lock);
    return lock;
}

static struct contention_site *find_site(struct contention_lock *lock, enum lock_mode mode, struct stack_id at)
{
    struct contention_site *site = contention_first_site(lock);
    while (site != NULL && (site->at.v != at.v || site->mode != mode))
        site = contention_next_site(site);
    return site;
}

/* holds(OWN_RANK_CONTENTION) */
static struct contention_lock *insert_lock(const struct object *object)
{
    struct contention_lock *lock = arena_alloc(sizeof *lock);
    if (lock == NULL)
        return NULL;
    lock->object = object_reference(object);
    _Atomic(struct contention_lock *) *bucket = &buckets[lock->object.id.v % LOCK_BUCKETS];
    lock->next = atomic_load_explicit(bucket, memory_order_relaxed);
    atomic_store_explicit(bucket, lock, memory_order_release); /* partner: first_lock(), next_lock() */
    return lock;
}

/* holds(OWN_RANK_CONTENTION) */
static struct contention_site *insert_site(struct contention_lock *lock, enum lock_mode mode, struct stack_id at)
{
    struct contention_site *site = arena_alloc(sizeof *site);
    if (site == NULL)
        return NULL;
    site->at = at;
    site->mode = mode;
    site->next = atomic_load_explicit(&lock->sites, memory_order_relaxed);
    /* partner: contention_first_site(), contention_next_site() */
    atomic_store_explicit(&lock->sites, site, memory_order_release);
    site_count++;
    return site;
}

static struct contention_site *make_site(const struct object *object, uint32_t id, enum lock_mode mode,
                                         struct stack_id at)
{
    rank_enter(OWN_RANK_CONTENTION);
    struct contention_lock *lock = find_lock(id);
    struct contention_site *site = lock == NULL ? NULL : find_site(lock, mode, at);
    if (site == NULL && site_count < CONTENTION_SITES_MAX) {
        if (lock == NULL)
            lock = insert_lock(object);
        if (lock != NULL)
            site = insert_site(lock, mode, at);
    }
    if (site == NULL)
        atomic_store_explicit(&was_cut, true, memory_order_relaxed); /* partner: contention_was_cut() */
    rank_leave(OWN_RANK_CONTENTION);
    return site;
}

static struct contention_site *site_of(struct contention_thread *t, const struct object *object, enum lock_mode mode,
                                       struct stack_id at)
{
    uint32_t id = object_identity(object).v;
    struct cached_site *cached = &t->cache[(id ^ at.v * 31) % SITE_CACHE_SIZE];
    if (cached->id == id && cached->site->at.v == at.v && cached->site->mode == mode)
        return cached->site;
    struct contention_lock *lock = find_lock(id);
    struct contention_site *site = lock == NULL ? NULL : find_site(lock, mode, at);
    if (site == NULL)
        site = make_site(object, id, mode, at);
    if (site != NULL)
        *cached = (struct cached_site){id, site};
    return site;
}

/* ---- counting ----------------------------------------------------------------------------------------------------- */

/* All counters: relaxed, for each is a sum of its own and is read when the threads are done. */
static void add(_Atomic uint64_t *counter, uint64_t amount)
{
    atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

static unsigned bucket_of(uint64_t ns)
{
    unsigned bits = ns == 0 ? 0 : 64 - (unsigned)__builtin_clzll(ns);
    return bits < CONTENTION_BUCKETS ? bits : CONTENTION_BUCKETS - 1;
}

static void add_time(struct contention_times *times, uint64_t ns)
{
    add(&times->total_ns, ns);
    atomic_fetch_add_explicit(&times->below[bucket_of(ns)], 1, memory_order_relaxed);
    uint64_t max = atomic_load_explicit(&times->max_ns, memory_order_relaxed);
    while (ns > max &&
           !atomic_compare_exchange_weak_explicit(&times->max_ns, &max, ns, memory_order_relaxed, memory_order_relaxed))
        continue;
}

void contention_requested(struct self *self)
{
    if (self->contention != NULL)
        self->contention->waited = NULL;
}

void contention_blocked(struct self *self, const struct object *object)
{
    struct contention_thread *t = thread_of(self);
    if (t == NULL)
        return;
    t->waited = object;
    t->wait_since_ns = clock_monotonic_ns();
}

void contention_unblocked(struct self *self)
{
    struct contention_thread *t = self->contention;
    if (t != NULL && t->waited != NULL)
        t->wait_ns = clock_monotonic_ns() - t->wait_since_ns;
}

static struct hold *find_hold(struct contention_thread *t, const struct object *object)
{
    for (unsigned i = t->hold_count; i-- > 0;)
        if (t->holds[i].object == object)
            return &t->holds[i];
    return NULL;
}

static void drop_hold(struct contention_thread *t, struct hold *hold)
{
    const struct hold *end = &t->holds[--t->hold_count];
    memmove(hold, hold + 1, (size_t)((const char *)end - (const char *)hold));
}

/* Returns: true when this is one more level of a hold, not a hold. */
static bool is_nested(struct contention_thread *t, const struct object *object, enum lock_mode mode)
{
    struct hold *hold = find_hold(t, object);
    if (hold == NULL)
        return false;
    bool is_same = hold->id == object_identity(object).v;
    if (is_same && (mode == LOCK_SHARED || object->type == MUTEX_RECURSIVE)) {
        hold->levels++;
        return true;
    }
    drop_hold(t, hold); /* somebody else ended it */
    return false;
}

void contention_acquired(struct self *self, const struct object *object, enum lock_mode mode, struct stack_id at)
{
    struct contention_thread *t = thread_of(self);
    if (t == NULL || is_nested(t, object, mode))
        return;
    struct contention_site *site = site_of(t, object, mode, at);
    if (site == NULL)
        return;
    add(&site->acquisitions, 1);
    if (t->waited == object) {
        add(&site->contended, 1);
        add_time(&site->wait, t->wait_ns);
    }
    t->waited = NULL;
    if (t->hold_count < HOLDS_MAX)
        t->holds[t->hold_count++] = (struct hold){object, site, object_identity(object).v, 1, clock_monotonic_ns()};
}

void contention_released(struct self *self, const struct object *object)
{
    struct contention_thread *t = self->contention;
    struct hold *hold = t == NULL ? NULL : find_hold(t, object);
    if (hold == NULL || --hold->levels > 0)
        return;
    if (hold->id == object_identity(object).v)
        add_time(&hold->site->hold, clock_monotonic_ns() - hold->since_ns);
    drop_hold(t, hold);
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

struct candidate {
    struct contention_lock *lock;
    uint64_t wait_ns, acquisitions;
};

static void weigh(struct contention_lock *lock, struct candidate *candidate)
{
    *candidate = (struct candidate){.lock = lock};
    for (struct contention_site *s = contention_first_site(lock); s != NULL; s = contention_next_site(s)) {
        /* relaxed: sums that may still grow; partner: add() */
        candidate->wait_ns += atomic_load_explicit(&s->wait.total_ns, memory_order_relaxed);
        candidate->acquisitions += atomic_load_explicit(&s->acquisitions, memory_order_relaxed);
    }
}

static bool is_heavier(const struct candidate *a, const struct candidate *b)
{
    return a->wait_ns != b->wait_ns ? a->wait_ns > b->wait_ns : a->acquisitions > b->acquisitions;
}

/* Keeps the heaviest `most` of list[0..*count) sorted. */
static void offer(struct candidate *list, unsigned *count, unsigned most, const struct candidate *one)
{
    unsigned at = *count;
    if (one->acquisitions == 0 || (at == most && !is_heavier(one, &list[most - 1])))
        return;
    at = at == most ? most - 1 : at;
    for (; at > 0 && is_heavier(one, &list[at - 1]); at--)
        list[at] = list[at - 1];
    list[at] = *one;
    *count += *count < most;
}

void contention_each_lock(unsigned most, void (*visit)(void *ctx, struct contention_lock *lock), void *ctx)
{
    unsigned count = 0;
    struct candidate *list = arena_alloc(most * sizeof *list), one;
    if (list == NULL)
        return;
    for (unsigned i = 0; i < LOCK_BUCKETS; i++)
        for (struct contention_lock *lock = first_lock(i); lock != NULL; lock = next_lock(lock)) {
            weigh(lock, &one);
            offer(list, &count, most, &one);
        }
    for (unsigned i = 0; i < count; i++)
        visit(ctx, list[i].lock);
    arena_free(list, most * sizeof *list);
}

/* relaxed, here and below: no other thread exists */
static void clear(_Atomic uint64_t *counter)
{
    atomic_store_explicit(counter, 0, memory_order_relaxed);
}

static void clear_times(struct contention_times *times)
{
    clear(&times->total_ns);
    clear(&times->max_ns);
    for (unsigned i = 0; i < CONTENTION_BUCKETS; i++)
        atomic_store_explicit(&times->below[i], 0, memory_order_relaxed);
}

void contention_fork_child(void)
{
    for (unsigned i = 0; i < LOCK_BUCKETS; i++)
        for (struct contention_lock *lock = first_lock(i); lock != NULL; lock = next_lock(lock))
            for (struct contention_site *site = contention_first_site(lock); site != NULL;
                 site = contention_next_site(site)) {
                clear(&site->acquisitions);
                clear(&site->contended);
                clear_times(&site->wait);
                clear_times(&site->hold);
            }
}
