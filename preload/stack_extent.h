/* stack_extent.h: how far outwards a stack may be read.
 *
 *   stack pointer --own stack--> up to its end, which is known
 *               \--a fiber's, a signal's--> page by page, as far as the kernel says that there is memory
 *
 * Model: of the page that a thread runs on it is certain that it is there; any other page of a stack that is not the thread's own is
 *        asked for when a walk comes to it, and in each walk anew, for such stacks go without our knowing.  One call a page:
 *        the list of mappings would tell all at once, and costs the kernel a thousand times as much.
 */
#ifndef LOCKHOUND_PRELOAD_STACK_EXTENT_H
#define LOCKHOUND_PRELOAD_STACK_EXTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "preload/page.h"

struct stack_extent {
    uintptr_t high; /* what lies between the stack pointer and here can be read */
    bool is_open;   /* there may be more */
};

/* Returns: the extent of the stack on which the calling thread, whose own is [low, high), has the stack pointer `sp`.
 * Context: signal, loader-lock, in-malloc. */
static inline struct stack_extent stack_extent_at(uintptr_t low, uintptr_t high, uintptr_t sp)
{
    if (sp >= low && sp < high)
        return (struct stack_extent){.high = high};
    /* The word below has just been used: a return address stands or stood there. */
    return (struct stack_extent){.high = ((sp - 1) | (PAGE_SIZE - 1)) + 1, .is_open = true};
}

/* Returns: true when the page that holds `address`, which is not below the stack pointer, can be read.
 * Context: signal, loader-lock, in-malloc. */
bool stack_extent_reach(struct stack_extent *extent, uintptr_t address);

/* Returns: true when there is a word at `address`, which is not below the stack pointer.
 * Context: signal, loader-lock, in-malloc. */
static inline bool stack_extent_holds(struct stack_extent *extent, uintptr_t address)
{
    if (address % sizeof(uintptr_t) != 0)
        return false;
    return address < extent->high || (extent->is_open && stack_extent_reach(extent, address));
}

#endif
