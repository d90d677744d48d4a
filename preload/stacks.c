#include "preload/stacks.h"

#include <stdatomic.h>
#include <string.h>

#include "preload/arena.h"
#include "preload/ranks.h"

enum {
    SEGMENT_SHIFT = 12, /* stacks a segment of the directory */
    SEGMENTS = 1024,
    FIRST_BUCKETS = 1024
};

struct stack_slot {
    const struct interned_stack *_Atomic stack;
};

/* By number: a directory of segments, each filled from the front. */
static struct stack_slot *_Atomic directory[SEGMENTS];
static atomic_uint count;

/* By content: open addressing, at most two thirds full; under OWN_RANK_STACKS. */
static struct {
    const struct interned_stack **slots;
    uint32_t capacity; /* a power of two */
} buckets;

static uint64_t hash_frames(const struct frame *frames, uint32_t depth)
{
    uint64_t hash = depth;
    for (uint32_t i = 0; i < depth; i++)
        hash = (hash ^ frames[i].pc) * UINT64_C(0x9E3779B97F4A7C15) ^ hash >> 29;
    return hash;
}

static bool equal(const struct interned_stack *stack, uint64_t hash, const struct frame *frames, uint32_t depth)
{
    if (stack->hash != hash || stack->depth != depth)
        return false;
    for (uint32_t i = 0; i < depth; i++)
        if (stack->frames[i].pc != frames[i].pc || stack->frames[i].module != frames[i].module ||
            stack->frames[i].exact != frames[i].exact) /* an access right behind a call, and the call */
            return false;
    return true;
}

static bool grow_buckets(void)
{
    uint32_t capacity = buckets.capacity == 0 ? FIRST_BUCKETS : buckets.capacity * 2;
    const struct interned_stack **slots = arena_alloc(capacity * sizeof *slots);
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

/* Returns: the bucket that holds this stack, or the empty one where it belongs. */
static const struct interned_stack **find_bucket(uint64_t hash, const struct frame *frames, uint32_t depth)
{
    uint32_t at = (uint32_t)hash & (buckets.capacity - 1);
    while (buckets.slots[at] != NULL && !equal(buckets.slots[at], hash, frames, depth))
        at = (at + 1) & (buckets.capacity - 1);
    return &buckets.slots[at];
}

static struct stack_slot *slot_of(uint32_t number)
{
    uint32_t segment = number >> SEGMENT_SHIFT;
    if (segment >= SEGMENTS)
        return NULL;
    struct stack_slot *slots = atomic_load_explicit(&directory[segment], memory_order_relaxed);
    if (slots == NULL) {
        slots = arena_alloc(sizeof *slots << SEGMENT_SHIFT);
        atomic_store_explicit(&directory[segment], slots, memory_order_release); /* pairs with stacks_get() */
    }
    return slots == NULL ? NULL : &slots[number & ((1u << SEGMENT_SHIFT) - 1)];
}

/* holds(OWN_RANK_STACKS) */
static const struct interned_stack *insert(const struct interned_stack **bucket, uint64_t hash,
                                           const struct frame *frames, uint32_t depth)
{
    uint32_t number = atomic_load_explicit(&count, memory_order_relaxed) + 1;
    struct stack_slot *slot = slot_of(number);
    struct interned_stack *stack = slot == NULL ? NULL : arena_alloc(sizeof *stack + depth * sizeof *frames);
    if (stack == NULL)
        return NULL;
    stack->id.v = number;
    stack->depth = depth;
    stack->hash = hash;
    memcpy(stack->frames, frames, depth * sizeof *frames);
    atomic_store_explicit(&slot->stack, stack, memory_order_release); /* pairs with stacks_get() */
    atomic_store_explicit(&count, number, memory_order_relaxed);
    *bucket = stack;
    return stack;
}

const struct interned_stack *stacks_intern(const struct frame *frames, uint32_t depth)
{
    uint64_t hash = hash_frames(frames, depth);
    const struct interned_stack *stack = NULL;
    rank_enter(OWN_RANK_STACKS);
    uint32_t used = atomic_load_explicit(&count, memory_order_relaxed);
    if ((used + 1) * 3 <= buckets.capacity * 2 || grow_buckets()) {
        const struct interned_stack **bucket = find_bucket(hash, frames, depth);
        stack = *bucket != NULL ? *bucket : insert(bucket, hash, frames, depth);
    }
    rank_leave(OWN_RANK_STACKS);
    return stack;
}

const struct interned_stack *stacks_get(struct stack_id id)
{
    if (id.v == 0 || id.v >> SEGMENT_SHIFT >= SEGMENTS)
        return NULL;
    /* acquire: pairs with the releases above */
    struct stack_slot *slots = atomic_load_explicit(&directory[id.v >> SEGMENT_SHIFT], memory_order_acquire);
    return slots == NULL ? NULL
                         : atomic_load_explicit(&slots[id.v & ((1u << SEGMENT_SHIFT) - 1)].stack, memory_order_acquire);
}

uint32_t stacks_count(void)
{
    return atomic_load_explicit(&count, memory_order_relaxed);
}
