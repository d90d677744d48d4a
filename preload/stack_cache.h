/* stack_cache.h: exact call stacks for a few nanoseconds.
 *
 *   (return address, stack pointer) --> [entry: id of an interned stack, where on the stack each return address stood]
 *         all words still there?  yes -> the same id         no, or no entry -> unwind once, intern, remember
 *
 * Model:     a frame's size follows from its program counter, so the same return addresses at the same places are the
 *            same stack; checking costs one load a frame and no unwinder.
 * Threads:   one cache a thread, no sharing; the depot of interned stacks (stacks.h) is shared and append-only.
 * Memory:    STACK_CACHE_SETS * STACK_CACHE_WAYS entries, allocated at first use.
 */
#ifndef LOCKHOUND_PRELOAD_STACK_CACHE_H
#define LOCKHOUND_PRELOAD_STACK_CACHE_H

#include "detector/ids.h"

enum { STACK_CACHE_SETS = 64, STACK_CACHE_WAYS = 4, STACK_MAX_DEPTH = 64 };

struct stack_cache_entry;

struct stack_cache {
    struct stack_cache_entry *entries; /* sets of ways, or NULL before the first stack */
    size_t entry_size;                 /* Units: bytes; depends on the depth kept */
    uint64_t unwinds;
};

/* Returns: the stack whose innermost return address is `pc`, in a caller whose stack pointer after the return will be
 * `sp`; 0 when there is no memory.  Context: signal, loader-lock, in-malloc. */
struct stack_id stack_cache_take(struct stack_cache *cache, uintptr_t pc, uintptr_t sp);
void stack_cache_release(struct stack_cache *cache);

#endif
