/* unwind.h: walks the program's stack once, by libunwind, and says where each return address stood. */
#ifndef LOCKHOUND_PRELOAD_UNWIND_H
#define LOCKHOUND_PRELOAD_UNWIND_H

#include "preload/stack_cache.h"
#include "preload/stacks.h"

struct unwound {
    uint32_t depth;
    bool exact;    /* every return address was found at its place: the result may be cached */
    bool complete; /* the outermost frame is there */
    struct frame frames[STACK_MAX_DEPTH];
    uintptr_t places[STACK_MAX_DEPTH]; /* address on the stack of frames[i].pc; places[0] is not set */
};

/* Allocates by the program's allocator, once, in libunwind: not to be called from a hook, which may stand inside of it.
 * Before it stacks are one frame deep.  Context: early. */
void unwind_init(void);

/* Walks from the caller whose return address is `pc`, out of our own frames first.
 * Returns: at least that frame.  Context: signal, loader-lock, in-malloc, takes(OWN_RANK_UNWIND). */
void unwind_from(uintptr_t pc, uint32_t max_depth, struct unwound *result);

#endif
