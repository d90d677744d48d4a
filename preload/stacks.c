#include "preload/stacks.h"

#include <string.h>

#include "preload/arena.h"

struct frame_list {
    const struct frame *frames;
    uint32_t depth;
};

static bool is_that_stack(const struct interned *item, const void *key)
{
    const struct interned_stack *stack = (const struct interned_stack *)item;
    const struct frame_list *wanted = key;
    if (stack->depth != wanted->depth)
        return false;
    for (uint32_t i = 0; i < stack->depth; i++) {
        const struct frame *a = &stack->frames[i], *b = &wanted->frames[i];
        if (a->pc != b->pc || a->module != b->module ||
            a->exact != b->exact) /* an access right behind a call, and the call */
            return false;
    }
    return true;
}

static struct interned *make_stack(const void *key)
{
    const struct frame_list *wanted = key;
    size_t size = wanted->depth * sizeof *wanted->frames;
    struct interned_stack *stack = arena_alloc(sizeof *stack + size);
    if (stack == NULL)
        return NULL;
    stack->depth = wanted->depth;
    memcpy(stack->frames, wanted->frames, size);
    return &stack->interned;
}

static struct interning depot = {.equal = is_that_stack, .make = make_stack};

static uint64_t hash_frames(const struct frame *frames, uint32_t depth)
{
    uint64_t hash = depth;
    for (uint32_t i = 0; i < depth; i++)
        hash = (hash ^ frames[i].pc) * UINT64_C(0x9E3779B97F4A7C15) ^ hash >> 29;
    return hash;
}

struct stack_id stacks_id(const struct interned_stack *stack)
{
    return (struct stack_id){stack == NULL ? 0 : stack->interned.number};
}

const struct interned_stack *stacks_intern(const struct frame *frames, uint32_t depth)
{
    struct frame_list wanted = {frames, depth};
    return (const struct interned_stack *)interning_find_or_add(&depot, hash_frames(frames, depth), &wanted);
}

const struct interned_stack *stacks_get(struct stack_id id)
{
    return (const struct interned_stack *)interning_get(&depot, id.v);
}

uint32_t stacks_count(void)
{
    return interning_count(&depot);
}
