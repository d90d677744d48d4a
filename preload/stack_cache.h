/* stack_cache.h: exact call stacks for a few nanoseconds.
 *
 *   (return address, stack pointer) --> [the thread's own: layout last seen there] --it stands--> its number
 *        \--not there, or a word differs--> [layouts of all threads, by return address] --one stands--> remember it
 *                                                \--none--> walk what is new by the path --often met--> add a layout
 *                                                                 \--unable--> walk by libunwind, intern, add a layout
 *
 * Checking costs one load for each frame that may be another by now (stack_standing.h), and no unwinder.
 *
 * Beside call_path.h: that has one place for a frame, so each further call site in the same function costs it a step by a rule
 *            and a node, which no stack has to repeat here.  By the path alone a lock and unlock at one site took 4 ns
 *            more, at four sites in turn 19, a read lock 36; and of fibers and signal stacks it knows nothing.
 *
 * Threads:   one cache a thread, no sharing; layouts (stack_layout.h) and interned stacks (stacks.h) are shared.
 * Memory:    inside struct self.
 */
#ifndef LOCKHOUND_PRELOAD_STACK_CACHE_H
#define LOCKHOUND_PRELOAD_STACK_CACHE_H

#include "preload/stack_standing.h"

enum { STACK_CACHE_SETS = 512, STACK_CACHE_WAYS = 2 };

struct stack_cache {
    struct stack_cache_entry {
        uint64_t pc : 48, sp_high : 16; /* both 0: free */
        uint64_t layout : 48, others : 16;
        uint32_t sp_low;
        struct stack_id stack;
        uint32_t distance, outside; /* of the layout's first place; 0 when it has none */
    } entries[STACK_CACHE_SETS][STACK_CACHE_WAYS];
    uint64_t misses;
    struct stack_standing standing;
};

/* Returns: the stack whose innermost return address is `pc`, in a caller whose stack pointer after the return will be
 * `sp`; 0 when there is no memory.  Context: signal, loader-lock, in-malloc. */
struct stack_id stack_cache_take(struct stack_cache *cache, uintptr_t pc, uintptr_t sp);

static inline size_t stack_cache_set(uintptr_t pc, uintptr_t sp)
{
    return ((pc ^ pc >> 7) + (sp >> 4) * 31) % STACK_CACHE_SETS;
}

static inline bool stack_cache_is_of(const struct stack_cache_entry *entry, uintptr_t pc, uintptr_t sp)
{
    return ((entry->pc ^ pc) | (((uint64_t)entry->sp_high << 32 | entry->sp_low) ^ sp)) == 0;
}

/* The word below `sp` is the entry's.  Most often the caller's caller is as before, so that the layout is left alone. */
static inline bool stack_cache_stands(struct stack_standing *standing, const struct stack_cache_entry *entry,
                                      uintptr_t sp)
{
    uintptr_t place = entry->layout;
    const struct stack_layout *layout = (const struct stack_layout *)place; /* NOLINT(performance-no-int-to-ptr) */
    return stack_standing_has(standing, entry->others - 1u, sp + entry->distance, entry->outside) ||
           stack_standing_look(standing, layout, sp);
}

/* Returns: as stack_cache_take(), when the cache has it; 0 otherwise.  Context: signal, loader-lock, in-malloc. */
static inline struct stack_id stack_cache_find(struct stack_cache *cache, uintptr_t pc, uintptr_t sp)
{
    const struct stack_cache_entry *set = cache->entries[stack_cache_set(pc, sp)];
    /* Counted, not branched upon: which way it is cannot be foreseen.  Both may be, with other callers further out. */
    const struct stack_cache_entry *entry = &set[!stack_cache_is_of(set, pc, sp)];
    for (; entry < set + STACK_CACHE_WAYS && stack_cache_is_of(entry, pc, sp); entry++)
        if (stack_cache_stands(&cache->standing, entry, sp)) {
            stack_standing_found(&cache->standing, entry->others, sp, entry->stack);
            return entry->stack;
        }
    return (struct stack_id){0};
}

struct unwind_start;
/* The same by libunwind, where unwind_by_path() is not able to: the frame with the registers `start` was called from there.
 * Context: signal, loader-lock, in-malloc. */
struct stack_id stack_cache_take_at(struct stack_cache *cache, uintptr_t pc, uintptr_t sp,
                                    const struct unwind_start *start);

struct self;
/* The stack that self->path was just walked on, to `node`, is met often.  Returns: true when the cache has it from now on.
 * Context: signal, loader-lock, in-malloc, takes(OWN_RANK_STACKS). */
bool stack_cache_keep_path(struct self *self, uint32_t node);

#endif
