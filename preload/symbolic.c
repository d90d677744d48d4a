#include "preload/symbolic.h"

#include <stdatomic.h>
#include <string.h>

#include "preload/arena.h"
#include "preload/ranks.h"

enum { SEGMENT_SHIFT = 10, SEGMENTS = 256, FIRST_BUCKETS = 256, LENGTH_MAX = 1024 };

struct symbolic_slot {
    const struct symbolic *_Atomic frame;
};

/* By number: a directory of segments, each filled from the front. */
static struct symbolic_slot *_Atomic directory[SEGMENTS];
static uint32_t count; /* under OWN_RANK_STACKS */

/* By content: open addressing, at most half full; under OWN_RANK_STACKS. */
static struct {
    const struct symbolic **slots;
    uint32_t capacity; /* a power of two */
} buckets;

static uint64_t hash_string(uint64_t hash, const char *string)
{
    for (; *string != '\0'; string++)
        hash = (hash ^ (unsigned char)*string) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 29;
}

static bool grow_buckets(void)
{
    uint32_t capacity = buckets.capacity == 0 ? FIRST_BUCKETS : buckets.capacity * 2;
    const struct symbolic **slots = arena_alloc(capacity * sizeof *slots);
    if (slots == NULL)
        return false;
    for (uint32_t i = 0; i < buckets.capacity; i++) {
        if (buckets.slots[i] == NULL)
            continue;
        uint32_t at = (uint32_t)buckets.slots[i]->hash & (capacity - 1);
        while (slots[at] != NULL)
            at = (at + 1) & (capacity - 1);
        slots[at] = buckets.slots[i];
    }
    arena_free(buckets.slots, buckets.capacity * sizeof *slots);
    buckets.slots = slots;
    buckets.capacity = capacity;
    return true;
}

static bool equal(const struct symbolic *a, const struct symbolic *b)
{
    return a->hash == b->hash && a->line == b->line && strcmp(a->function, b->function) == 0 &&
           strcmp(a->file, b->file) == 0;
}

/* Returns: the bucket that holds this frame, or the empty one where it belongs. */
static const struct symbolic **find_bucket(const struct symbolic *wanted)
{
    uint32_t at = (uint32_t)wanted->hash & (buckets.capacity - 1);
    while (buckets.slots[at] != NULL && !equal(buckets.slots[at], wanted))
        at = (at + 1) & (buckets.capacity - 1);
    return &buckets.slots[at];
}

static struct symbolic_slot *slot_of(uint32_t number)
{
    uint32_t segment = number >> SEGMENT_SHIFT;
    if (segment >= SEGMENTS)
        return NULL;
    struct symbolic_slot *slots = atomic_load_explicit(&directory[segment], memory_order_relaxed);
    if (slots == NULL) {
        slots = arena_alloc(sizeof *slots << SEGMENT_SHIFT);
        atomic_store_explicit(&directory[segment], slots, memory_order_release); /* pairs with symbolic_get() */
    }
    return slots == NULL ? NULL : &slots[number & ((1u << SEGMENT_SHIFT) - 1)];
}

static const char *keep(const char *string)
{
    size_t length = strnlen(string, LENGTH_MAX);
    char *copy = arena_alloc(length + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, string, length);
    copy[length] = '\0';
    return copy;
}

/* holds(OWN_RANK_STACKS) */
static const struct symbolic *insert(const struct symbolic **bucket, const struct symbolic *wanted)
{
    struct symbolic_slot *slot = slot_of(count + 1);
    struct symbolic *frame = slot == NULL ? NULL : arena_alloc(sizeof *frame);
    if (frame == NULL)
        return NULL;
    *frame = *wanted;
    frame->number = count + 1;
    frame->function = keep(wanted->function);
    frame->file = keep(wanted->file);
    if (frame->function == NULL || frame->file == NULL)
        return NULL;
    atomic_store_explicit(&slot->frame, frame, memory_order_release); /* pairs with symbolic_get() */
    count++;
    *bucket = frame;
    return frame;
}

struct frame symbolic_intern(const char *function, const char *file, uint32_t line)
{
    struct symbolic wanted = {.line = line, .function = function, .file = file};
    wanted.hash = hash_string(hash_string(line * UINT64_C(0x9E3779B97F4A7C15), function), file);
    const struct symbolic *frame = NULL;
    rank_enter(OWN_RANK_STACKS);
    if ((count + 1) * 2 <= buckets.capacity || grow_buckets()) {
        const struct symbolic **bucket = find_bucket(&wanted);
        frame = *bucket != NULL ? *bucket : insert(bucket, &wanted);
    }
    rank_leave(OWN_RANK_STACKS);
    return frame == NULL ? (struct frame){0} : (struct frame){.pc = frame->number, .module = FRAME_SYMBOLIC};
}

const struct symbolic *symbolic_get(uintptr_t number)
{
    if (number == 0 || number >> SEGMENT_SHIFT >= SEGMENTS)
        return NULL;
    /* acquire: pairs with the releases above */
    struct symbolic_slot *slots = atomic_load_explicit(&directory[number >> SEGMENT_SHIFT], memory_order_acquire);
    return slots == NULL
               ? NULL
               : atomic_load_explicit(&slots[number & ((1u << SEGMENT_SHIFT) - 1)].frame, memory_order_acquire);
}
