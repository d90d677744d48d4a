#include "detector/held.h"

#include <string.h>

#define HELD_FIRST 16

static size_t array_bytes(uint32_t capacity)
{
    return sizeof(struct held_array) + capacity * sizeof(struct held_entry);
}

bool held_grow(struct held_set *held, const struct detector_host *host)
{
    uint32_t capacity = held->capacity == 0 ? HELD_FIRST : held->capacity * 2;
    struct held_array *array = host->alloc(host->ctx, array_bytes(capacity));
    if (array == NULL) {
        held->lost++;
        return false;
    }
    struct held_array *old = relaxed_load(&held->array);
    if (old != NULL)
        memcpy(array->entry, old->entry, held->capacity * sizeof(struct held_entry));
    array->outgrown = old;
    array->capacity = capacity;
    held->capacity = capacity;
    /* release: a reader that finds this array finds it filled; partner: held_entries() through a published wait */
    atomic_store_explicit(&held->array, array, memory_order_release);
    return true;
}

void held_delete(struct held_set *held, const struct detector_host *host)
{
    struct held_array *array = relaxed_load(&held->array);
    while (array != NULL) {
        struct held_array *outgrown = array->outgrown;
        host->free(host->ctx, array, array_bytes(array->capacity));
        array = outgrown;
    }
    memset(held, 0, sizeof *held);
}

struct held_entry *held_find(const struct held_set *held, const struct object *o)
{
    /* acquire: the array is filled; partner: held_grow() */
    struct held_array *array = atomic_load_explicit(&held->array, memory_order_acquire);
    for (uint32_t i = held_readable(held, array); i-- > 0;) {
        struct held_entry *entry = &array->entry[i];
        if (relaxed_load(&entry->object) == o && relaxed_load(&entry->id) == relaxed_load(&o->id))
            return entry;
    }
    return NULL;
}

/* Returns: the chain that follows `chain` with this entry. */
static uint64_t entry_chain(uint64_t chain, const struct held_entry *entry)
{
    for (size_t i = 0; i < TAKEN_UNDER_MOST && relaxed_load(&entry->taken_under[i]) != 0; i++)
        chain = chain_next(~chain, relaxed_load(&entry->taken_under[i]), LOCK_EXCLUSIVE);
    return chain_next(chain, relaxed_load(&entry->id), (enum lock_mode)relaxed_load(&entry->mode));
}

/* Chains the entries from `from` on anew. */
static void held_rechain(struct held_set *held, uint32_t from, uint64_t chain)
{
    struct held_entry *entries = held_entries(held);
    for (uint32_t i = from; i < held_count(held); i++) {
        entries[i].chain_below = chain;
        if (entries[i].ordered)
            chain = entry_chain(chain, &entries[i]);
    }
    held->chain = chain;
}

static void held_entry_copy(struct held_entry *to, const struct held_entry *from)
{
    relaxed_store(&to->object, relaxed_load(&from->object));
    relaxed_store(&to->id, relaxed_load(&from->id));
    relaxed_store(&to->serial, relaxed_load(&from->serial));
    relaxed_store(&to->at, relaxed_load(&from->at));
    relaxed_store(&to->mode, relaxed_load(&from->mode));
    for (size_t i = 0; i < TAKEN_UNDER_MOST; i++)
        relaxed_store(&to->taken_under[i], relaxed_load(&from->taken_under[i]));
    to->ordered = from->ordered;
    to->inconsistent = from->inconsistent;
    to->signal_depth = from->signal_depth;
    to->count = from->count;
    to->chain_below = from->chain_below;
    to->since_ns = from->since_ns;
}

static void take_out(struct held_set *held, struct held_entry *entry)
{
    struct held_entry *entries = held_entries(held);
    uint32_t count = held_count(held);
    uint32_t index = (uint32_t)(entry - entries);
    uint64_t chain = entry->chain_below;
    held->ordered -= entry->ordered;
    for (uint32_t i = index; i + 1 < count; i++)
        held_entry_copy(&entries[i], &entries[i + 1]);
    relaxed_store(&held->count, count - 1);
    held_rechain(held, index, chain);
}

static void note_taken_under(struct held_entry *entry, uint32_t id)
{
    for (size_t i = 0; i < TAKEN_UNDER_MOST; i++) {
        if (relaxed_load(&entry->taken_under[i]) == id)
            return;
        if (relaxed_load(&entry->taken_under[i]) == 0) {
            relaxed_store(&entry->taken_under[i], id);
            return;
        }
    }
}

void held_remove(struct held_set *held, struct held_entry *entry)
{
    if (entry->ordered && relaxed_load(&entry->mode) == LOCK_EXCLUSIVE && held_entry_is_current(entry)) {
        struct held_entry *end = held_entries(held) + held_count(held);
        for (struct held_entry *above = entry + 1; above < end; above++)
            note_taken_under(above, relaxed_load(&entry->id));
    }
    take_out(held, entry);
}

bool held_entry_is_current(const struct held_entry *entry)
{
    const struct object *o = relaxed_load(&entry->object);
    if (relaxed_load(&entry->id) != relaxed_load(&o->id) || relaxed_load(&o->live_address) == 0)
        return false;
    bool is_for_reading = relaxed_load(&entry->mode) == LOCK_SHARED && o->kind != OBJECT_SEMAPHORE;
    return is_for_reading || relaxed_load(&entry->serial) == relaxed_load(&o->serial);
}

bool held_drop_stale(struct held_set *held)
{
    bool dropped = false;
    for (uint32_t i = held_count(held); i-- > 0;) {
        struct held_entry *entry = &held_entries(held)[i];
        if (!held_entry_is_current(entry)) {
            take_out(held, entry); /* since when it is not held is not known */
            dropped = true;
        }
    }
    return dropped;
}

void held_clear(struct held_set *held)
{
    relaxed_store(&held->count, 0);
    held->ordered = 0;
    held->chain = CHAIN_EMPTY;
}

size_t held_copy(const struct held_set *held, bool only_ordered, struct held_lock *out, size_t max)
{
    const struct held_array *array = atomic_load_explicit(&held->array, memory_order_acquire); /* of held_grow() */
    size_t count = held_readable(held, array);
    size_t copied = 0;
    for (size_t i = 0; i < count; i++) {
        const struct held_entry *entry = &array->entry[i];
        if ((only_ordered && !entry->ordered) || !held_entry_is_current(entry))
            continue;
        if (copied < max) {
            out[copied].object = object_reference(relaxed_load(&entry->object));
            out[copied].mode = (enum lock_mode)relaxed_load(&entry->mode);
            out[copied].units = relaxed_load(&relaxed_load(&entry->object)->units);
            out[copied].stack = (struct stack_id){relaxed_load(&entry->at)};
            out[copied].is_gone = false;
            for (size_t k = 0; k < TAKEN_UNDER_MOST; k++)
                out[copied].taken_under[k] = (struct object_id){relaxed_load(&entry->taken_under[k])};
        }
        copied++;
    }
    return copied;
}

bool held_check(const struct held_set *held)
{
    uint64_t chain = CHAIN_EMPTY;
    uint32_t ordered = 0;
    for (uint32_t i = 0; i < held_count(held); i++) {
        const struct held_entry *entry = &held_entries(held)[i];
        if (entry->chain_below != chain)
            return false;
        if (entry->ordered) {
            chain = entry_chain(chain, entry);
            ordered++;
        }
    }
    return chain == held->chain && ordered == held->ordered;
}
