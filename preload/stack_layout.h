/* stack_layout.h: where the return addresses of a known stack stand, relative to its stack pointer; shared by threads.
 *
 *   (pc, bytes from sp to the stack's end) --> [bucket: layouts found there] --all words in place?--> layout
 *
 * Model:     a frame's size follows from its program counter, so the same return addresses at the same distances are
 *            the same stack, in whichever thread.  The distance to the stack's end keeps the buckets short where
 *            one wrapper of a lock is called from everywhere, as in OpenSSL.
 * Threads:   append-only lists, pushed with compare-and-swap; layouts are never changed or removed.
 * Memory:    from the arena, one for each distinct layout, so many a bucket and so many in all.
 */
#ifndef LOCKHOUND_PRELOAD_STACK_LAYOUT_H
#define LOCKHOUND_PRELOAD_STACK_LAYOUT_H

#include "preload/unwind.h"

struct stack_layout {
    struct stack_layout *next;
    struct stack_id stack;
    uint32_t others; /* return addresses besides the innermost */
    uintptr_t pc;
    struct stack_place {
        uintptr_t pc;
        uint32_t distance; /* from the stack pointer */
        uint32_t outside;  /* the stack from here on, if who returns here tells when it is entered; else 0 */
    } places[];
};

static inline bool stack_place_stands(const struct stack_place *place, uintptr_t sp)
{
    return *(const uintptr_t *)(sp + place->distance) == place->pc;
}

/* Returns: true when the stack at `sp` is this one.  Every place must be readable. */
static inline bool stack_layout_stands(const struct stack_layout *layout, uintptr_t sp)
{
    for (uint32_t i = 0; i < layout->others; i++)
        if (!stack_place_stands(&layout->places[i], sp))
            return false;
    return true;
}

/* Returns: a layout with this innermost return address that stands at `sp` and below `high`, or NULL.
 * Context: signal, loader-lock, in-malloc. */
const struct stack_layout *stack_layout_find(uintptr_t pc, uintptr_t sp, uintptr_t high);

/* Returns: true when a layout with this innermost return address, `depth` bytes above whose stack pointer the stack ends, will
 * be taken.  Context: signal, loader-lock, in-malloc. */
bool stack_layout_has_room(uintptr_t pc, uintptr_t depth);

/* `outside`: of each frame as in struct stack_place; NULL: it is not known.
 * Returns: the layout just unwound, known to all from now on; NULL when it has no frame, or there is no memory or no room.
 * Context: signal, loader-lock, in-malloc. */
const struct stack_layout *stack_layout_add(uintptr_t pc, uintptr_t sp, uintptr_t high, const struct unwound *unwound,
                                            const uint32_t *outside, struct stack_id stack);

#endif
