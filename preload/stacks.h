/* stacks.h: the depot of call stacks; each distinct one is kept once and has a number.
 *
 *   unwind --> frames --> [interning.h] --> struct stack_id --> stacks_get(id) --> sink
 *
 * Invariant: a stack is never changed or removed; equal stacks have equal numbers.
 * Threads:   insertion takes OWN_RANK_STACKS; reading by number takes nothing.
 */
#ifndef LOCKHOUND_PRELOAD_STACKS_H
#define LOCKHOUND_PRELOAD_STACKS_H

#include <stdbool.h>
#include <stdint.h>

#include "detector/ids.h"
#include "preload/interning.h"

/* In place of a module: a frame that is not code of a module; `pc` is then its number in symbolic.h. */
#define FRAME_SYMBOLIC UINT32_C(0x7fffffff)

struct frame {
    uintptr_t pc;         /* a return address, or exact when `exact` */
    uint32_t module : 31; /* 0 when in no module */
    uint32_t exact : 1;   /* where a signal arrived */
};

/* `module`: its number; 0 for none. */
static inline struct frame frame_of(uintptr_t pc, uint32_t module, bool exact)
{
    enum { MODULE_BITS = 31 };
    return (struct frame){.pc = pc, .module = module & ((UINT32_C(1) << MODULE_BITS) - 1), .exact = exact};
}

struct interned_stack {
    struct interned interned;
    uint32_t depth;
    struct frame frames[]; /* innermost first */
};

/* Returns: the stack with these frames; NULL when there is no memory.  Context: signal, takes(OWN_RANK_STACKS). */
const struct interned_stack *stacks_intern(const struct frame *frames, uint32_t depth);
/* Returns: the number of `stack`, 0 for NULL.  Context: signal, in-malloc, loader-lock. */
struct stack_id stacks_id(const struct interned_stack *stack);
/* Returns: the stack numbered `id`, or NULL for 0.  Context: signal, in-malloc, loader-lock. */
const struct interned_stack *stacks_get(struct stack_id id);
/* Returns: how many distinct stacks there are.  Context: signal, in-malloc, loader-lock. */
uint32_t stacks_count(void);

#endif
