#include "preload/stack_cache.h"

#include "preload/arena.h"
#include "preload/lockhound.h"
#include "preload/unwind.h"

struct stack_cache_entry {
    uintptr_t pc, sp;
    const struct interned_stack *stack; /* NULL: free */
    uint32_t places[];                  /* of frames[1..], as distances from sp */
};

static size_t entry_size(void)
{
    return sizeof(struct stack_cache_entry) + lockhound.options.stack_depth * sizeof(uint32_t);
}

static size_t entries_size(void)
{
    return (size_t)STACK_CACHE_SETS * STACK_CACHE_WAYS * entry_size();
}

static struct stack_cache_entry *entry_at(const struct stack_cache *cache, size_t set, size_t way)
{
    return (void *)((char *)cache->entries + (set * STACK_CACHE_WAYS + way) * cache->entry_size);
}

static size_t set_of(uintptr_t pc, uintptr_t sp)
{
    return ((pc ^ pc >> 7) + (sp >> 4) * 31) % STACK_CACHE_SETS;
}

static inline bool still_stands(const struct stack_cache_entry *entry, uintptr_t pc, uintptr_t sp)
{
    if (entry->pc != pc || entry->sp != sp)
        return false;
    const struct interned_stack *stack = entry->stack;
    for (uint32_t i = 1; i < stack->depth; i++)
        if (*(const uintptr_t *)(sp + entry->places[i - 1]) != stack->frames[i].pc)
            return false;
    return true;
}

/* Remembers where the frames of `stack` stood, in place of the set's next victim. */
static void remember(struct stack_cache *cache, uintptr_t pc, uintptr_t sp, const struct unwound *unwound,
                     const struct interned_stack *stack)
{
    for (uint32_t i = 1; i < unwound->depth; i++)
        if (unwound->places[i] - sp > UINT32_MAX)
            return; /* on another stack: a fiber or an alternate signal stack */
    struct stack_cache_entry *entry = entry_at(cache, set_of(pc, sp), cache->unwinds % STACK_CACHE_WAYS);
    entry->pc = pc;
    entry->sp = sp;
    entry->stack = stack;
    for (uint32_t i = 1; i < unwound->depth; i++)
        entry->places[i - 1] = (uint32_t)(unwound->places[i] - sp);
}

static __attribute__((noinline)) struct stack_id take_slowly(struct stack_cache *cache, uintptr_t pc, uintptr_t sp)
{
    if (cache->entries == NULL) {
        cache->entry_size = entry_size();
        cache->entries = arena_alloc(entries_size());
    }
    struct unwound unwound;
    unwind_from(pc, lockhound.options.stack_depth, &unwound);
    const struct interned_stack *stack = stacks_intern(unwound.frames, unwound.depth);
    if (stack == NULL)
        return (struct stack_id){0};
    cache->unwinds++;
    if (unwound.exact && cache->entries != NULL)
        remember(cache, pc, sp, &unwound, stack);
    return stack->id;
}

struct stack_id stack_cache_take(struct stack_cache *cache, uintptr_t pc, uintptr_t sp)
{
    if (cache->entries != NULL) {
        size_t set = set_of(pc, sp);
        for (size_t way = 0; way < STACK_CACHE_WAYS; way++) {
            const struct stack_cache_entry *entry = entry_at(cache, set, way);
            if (still_stands(entry, pc, sp))
                return entry->stack->id;
        }
    }
    return take_slowly(cache, pc, sp);
}

void stack_cache_release(struct stack_cache *cache)
{
    if (cache->entries != NULL)
        arena_free(cache->entries, entries_size());
    *cache = (struct stack_cache){0};
}
