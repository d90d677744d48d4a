#include "preload/stack_layout.h"

#include <stdatomic.h>

#include "preload/arena.h"

enum { BUCKET_BITS = 13, LAYOUTS_A_BUCKET = 8, LAYOUTS_MAX = 1 << 17 };

static struct bucket {
    struct stack_layout *_Atomic first;
    atomic_uint count;
} buckets[1 << BUCKET_BITS];

static atomic_uint layouts;

static struct bucket *bucket_of(uintptr_t pc, uintptr_t depth)
{
    uint64_t mixed = (pc ^ (uint64_t)depth << 29) * 0x9e3779b97f4a7c15u; /* Knuth's multiplicative hashing, 6.4 */
    return &buckets[mixed >> (64 - BUCKET_BITS)];
}

const struct stack_layout *stack_layout_find(uintptr_t pc, uintptr_t sp, uintptr_t high)
{
    /* acquire: pairs with the release in stack_layout_add() */
    const struct stack_layout *layout = atomic_load_explicit(&bucket_of(pc, high - sp)->first, memory_order_acquire);
    for (; layout != NULL; layout = layout->next) {
        uint64_t reach = layout->others == 0 ? 0 : layout->places[layout->others - 1].distance + sizeof(uintptr_t);
        if (layout->pc == pc && reach <= high - sp && stack_layout_stands(layout, sp))
            return layout;
    }
    return NULL;
}

static bool has_room(struct bucket *bucket)
{
    return atomic_load_explicit(&bucket->count, memory_order_relaxed) < LAYOUTS_A_BUCKET &&
           atomic_load_explicit(&layouts, memory_order_relaxed) < LAYOUTS_MAX;
}

bool stack_layout_has_room(uintptr_t pc, uintptr_t depth)
{
    return has_room(bucket_of(pc, depth));
}

/* Returns: whether each frame stands where those of callers do: wrong unwind information may say anything. */
static bool lies_outside(const struct unwound *unwound, uintptr_t sp, uintptr_t high)
{
    for (uint32_t i = 1; i < unwound->depth; i++)
        if (unwound->places[i] < sp || unwound->places[i] >= high)
            return false;
    return high - sp <= UINT32_MAX;
}

const struct stack_layout *stack_layout_add(uintptr_t pc, uintptr_t sp, uintptr_t high, const struct unwound *unwound,
                                            const uint32_t *outside, struct stack_id stack)
{
    struct bucket *bucket = bucket_of(pc, high - sp);
    if (unwound->depth == 0 || !lies_outside(unwound, sp, high) || !has_room(bucket))
        return NULL;
    uint32_t others = unwound->depth - 1;
    struct stack_layout *layout = arena_alloc(sizeof *layout + others * sizeof layout->places[0]);
    if (layout == NULL)
        return NULL;
    layout->stack = stack;
    layout->others = others;
    layout->pc = pc;
    for (uint32_t i = 0; i < others; i++)
        layout->places[i] = (struct stack_place){.pc = unwound->frames[i + 1].pc,
                                                 .distance = (uint32_t)(unwound->places[i + 1] - sp),
                                                 .outside = outside == NULL ? 0 : outside[i + 1]};
    atomic_fetch_add_explicit(&bucket->count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&layouts, 1, memory_order_relaxed);
    layout->next = atomic_load_explicit(&bucket->first, memory_order_relaxed);
    /* release: pairs with the acquire in stack_layout_find(), so that the layout is whole */
    while (!atomic_compare_exchange_weak_explicit(&bucket->first, &layout->next, layout, memory_order_release,
                                                  memory_order_relaxed))
        ;
    return layout;
}
