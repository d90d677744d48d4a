#include "preload/call_tree.h"

#include <stdatomic.h>

#include "detector/hash_table.h"
#include "preload/arena.h"
#include "preload/unwind.h"

#define LEFT UINT32_MAX

struct node {
    struct interned interned;
    uint32_t caller;
    uint32_t earlier;       /* the node that it is taken for; 0: none */
    _Atomic uint32_t stack; /* of the chain, in stacks.h; 0: not asked for */
    _Atomic uint32_t met;   /* how often; or LEFT */
    struct frame frame;
};

struct wanted {
    uint32_t caller;
    uint32_t earlier; /* of a node to be made */
    struct frame frame;
};

static bool is_that_node(const struct interned *item, const void *key)
{
    const struct node *node = (const struct node *)item;
    const struct wanted *wanted = key;
    return node->caller == wanted->caller && node->frame.pc == wanted->frame.pc &&
           node->frame.module == wanted->frame.module && node->frame.exact == wanted->frame.exact;
}

static struct interned *make_node(const void *key)
{
    const struct wanted *wanted = key;
    struct node *node = arena_alloc(sizeof *node);
    if (node == NULL)
        return NULL;
    node->caller = wanted->caller;
    node->earlier = wanted->earlier;
    node->frame = wanted->frame;
    return &node->interned;
}

static struct interning tree = {.equal = is_that_node, .make = make_node};

/* Returns: the nearest of the chain's inner nodes with this frame where there are so many; else 0. */
static uint32_t find_round(uint32_t number, struct frame frame, uint32_t rounds)
{
    uint32_t nearest = 0;
    for (unsigned i = 0; i < CALL_TREE_LATELY; i++) {
        const struct node *node = (const struct node *)interning_get(&tree, number);
        if (node == NULL)
            break;
        if (node->frame.pc == frame.pc && node->frame.module == frame.module && node->frame.exact == frame.exact) {
            nearest = nearest == 0 ? number : nearest;
            if (--rounds == 0)
                return nearest;
        }
        number = node->caller;
    }
    return 0;
}

/* Returns: the node that another inner one of this chain is taken for, or 0. */
static uint32_t find_earlier(uint32_t caller, struct frame frame)
{
    uint32_t count = interning_count(&tree);
    return count < CALL_TREE_MANY ? 0 : find_round(caller, frame, count < CALL_TREE_FOLDS ? CALL_TREE_ROUNDS : 1);
}

uint32_t call_tree_add(uint32_t caller, struct frame frame)
{
    struct wanted wanted = {.caller = caller, .frame = frame};
    uint64_t hash = hash_mix(frame.pc, caller);
    const struct node *node = (const struct node *)interning_find(&tree, hash, &wanted);
    if (node == NULL) {
        wanted.earlier = find_earlier(caller, frame);
        node = (const struct node *)interning_find_or_add(&tree, hash, &wanted);
    }
    if (node == NULL)
        return wanted.earlier;
    return node->earlier != 0 ? node->earlier : node->interned.number;
}

uint32_t call_tree_frames(uint32_t number, struct frame *frames, uint32_t most)
{
    uint32_t depth = 0;
    for (; depth < most; depth++) {
        const struct node *node = (const struct node *)interning_get(&tree, number);
        if (node == NULL)
            break;
        frames[depth] = node->frame;
        number = node->caller;
    }
    return depth;
}

struct stack_id call_tree_stack(uint32_t number, uint32_t most)
{
    struct node *node = (struct node *)interning_get(&tree, number);
    if (node == NULL)
        return (struct stack_id){0};
    /* relaxed, as below: a number says what it says; whoever looks the stack up has interning_get()'s order */
    uint32_t stack = atomic_load_explicit(&node->stack, memory_order_relaxed);
    if (stack == 0) {
        struct frame frames[STACK_MAX_DEPTH];
        uint32_t depth = call_tree_frames(number, frames, most < STACK_MAX_DEPTH ? most : STACK_MAX_DEPTH);
        stack = stacks_id(stacks_intern(frames, depth)).v;
        atomic_store_explicit(&node->stack, stack, memory_order_relaxed);
    }
    return (struct stack_id){stack};
}

bool call_tree_is_often_met(uint32_t number)
{
    struct node *node = (struct node *)interning_get(&tree, number);
    /* relaxed: a visit that another thread's hides is no loss */
    uint32_t met = node == NULL ? LEFT : atomic_load_explicit(&node->met, memory_order_relaxed);
    if (met == LEFT)
        return false;
    atomic_store_explicit(&node->met, (met + 1) % CALL_TREE_OFTEN, memory_order_relaxed);
    return met + 1 == CALL_TREE_OFTEN;
}

void call_tree_leave(uint32_t number)
{
    struct node *node = (struct node *)interning_get(&tree, number);
    if (node != NULL)
        atomic_store_explicit(&node->met, LEFT, memory_order_relaxed);
}
