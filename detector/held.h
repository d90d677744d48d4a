/* held.h: the locks a thread holds, outermost first.
 *
 *   acquired --push--> [entry | entry | entry] --pop--> released
 *                         chain = hash of all entries below and this one (lockdep's chain key)
 *
 * Model:     a list of (object generation, mode, serial of the hold, count of recursion, stack, and of the exclusive
 *            locks that it was taken under those that were released before it, as far as there is room).
 * Invariant: entry[i].chain_below is the chain of the ordered entries before it; held_check() tests it.
 * Stale:     a hold that somebody else ended (a stranger unlocked, a semaphore was handed over, the object was
 *            destroyed) stays in the list until held_drop_stale(); its serial or generation then differs.
 * Threads:   written by its thread alone.  Others may read it at any time with relaxed loads; what they read counts
 *            only when the thread's wait sequence was odd and unchanged around it (registry.h).
 * Memory:    grows by doubling without limit; outgrown arrays live until the seat is deleted, for late readers.
 */
#ifndef LOCKHOUND_DETECTOR_HELD_H
#define LOCKHOUND_DETECTOR_HELD_H

#include "detector/object.h"

struct held_entry {
    _Atomic(struct object *) object;
    _Atomic uint32_t id;                            /* generation of the object */
    _Atomic uint32_t serial;                        /* of the hold */
    _Atomic uint32_t at;                            /* struct stack_id of the acquisition */
    _Atomic uint8_t mode;                           /* enum lock_mode */
    _Atomic uint32_t taken_under[TAKEN_UNDER_MOST]; /* generations; see struct held_lock */
    bool ordered;                                   /* takes part in lock order and chain */
    bool accessed;        /* with --races=hybrid: memory was seen accessed while it was held */
    bool inconsistent;    /* robust: the owner died and nobody called consistent yet */
    uint8_t signal_depth; /* of handlers running when it was taken */
    uint32_t count;       /* recursion */
    uint64_t chain_below;
    uint64_t since_ns; /* 0 unless lock-held-too-long is on */
};

struct held_array {
    struct held_array *outgrown;
    uint32_t capacity;
    struct held_entry entry[];
};

struct held_set {
    _Atomic(struct held_array *) array;
    _Atomic uint32_t count;
    uint32_t capacity;
    uint32_t ordered; /* entries with .ordered */
    uint64_t chain;
    uint64_t lost; /* acquisitions that found no memory */
};

#define CHAIN_EMPTY 0x9e3779b97f4a7c15u

/* Returns: the chain that follows `chain` when lock `id` is taken in `mode`. */
static inline uint64_t chain_next(uint64_t chain, uint32_t id, enum lock_mode mode)
{
    uint64_t x = (chain ^ (((uint64_t)id << 1) | (uint64_t)mode)) * 0xff51afd7ed558ccdu;
    return x ^ (x >> 32);
}

static inline struct held_entry *held_entries(const struct held_set *held)
{
    struct held_array *array = relaxed_load(&held->array);
    return array == NULL ? NULL : array->entry;
}

static inline uint32_t held_count(const struct held_set *held)
{
    return relaxed_load(&held->count);
}

/* Returns: how many entries of `array` may be read by any thread: a count may be newer than the array. */
static inline uint32_t held_readable(const struct held_set *held, const struct held_array *array)
{
    uint32_t count = array == NULL ? 0 : held_count(held);
    return array != NULL && count > array->capacity ? array->capacity : count;
}

/* Makes room for one more.  Returns: false when there is no memory: the hold is not kept, and counted. */
bool held_grow(struct held_set *held, const struct detector_host *host);
void held_delete(struct held_set *held, const struct detector_host *host);
/* Returns: the innermost entry of this generation of `o`, or NULL.  Any thread may call it. */
struct held_entry *held_find(const struct held_set *held, const struct object *o);
/* Takes `entry`, which its thread releases, out, wherever it stands. */
void held_remove(struct held_set *held, struct held_entry *entry);
/* Takes out every entry whose hold somebody else has ended.  Returns: true when there were any. */
bool held_drop_stale(struct held_set *held);
void held_clear(struct held_set *held);
/* Returns: true when the entry's hold is still the lock's current one. */
bool held_entry_is_current(const struct held_entry *entry);
/* Copies the current entries to out[0..max), outermost first; only ordered ones when so asked.
 * Returns: how many there are, which may be more than `max`. */
size_t held_copy(const struct held_set *held, bool only_ordered, struct held_lock *out, size_t max);
/* Returns: true when counts and chains agree with the entries (for tests). */
bool held_check(const struct held_set *held);

/* Returns: the new entry, or NULL when there was no memory. */
static inline struct held_entry *held_push(struct held_set *held, const struct detector_host *host, struct object *o,
                                           enum lock_mode mode, bool ordered, struct stack_id at)
{
    uint32_t count = held_count(held);
    if (count == held->capacity && !held_grow(held, host))
        return NULL;
    struct held_entry *entry = &held_entries(held)[count];
    uint32_t id = relaxed_load(&o->id);
    relaxed_store(&entry->object, o);
    relaxed_store(&entry->id, id);
    relaxed_store(&entry->serial, relaxed_load(&o->serial));
    relaxed_store(&entry->at, at.v);
    relaxed_store(&entry->mode, (uint8_t)mode);
    for (size_t i = 0; i < TAKEN_UNDER_MOST; i++)
        relaxed_store(&entry->taken_under[i], 0);
    entry->ordered = ordered;
    entry->accessed = false;
    entry->inconsistent = false;
    entry->signal_depth = 0;
    entry->count = 1;
    entry->chain_below = held->chain;
    entry->since_ns = 0;
    if (ordered) {
        held->chain = chain_next(held->chain, id, mode);
        held->ordered++;
    }
    relaxed_store(&held->count, count + 1);
    return entry;
}

#endif
