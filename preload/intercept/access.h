/* access.h: how a hook tells what libc does to the program's memory.
 *
 *   if (hook_likely(!weave_on))  return real.f(...);                         one load and a jump
 *   struct self *self = access_enter(CALLER());                              NULL: not the program's, or inside already
 *   if (self != NULL) { memory_access(self, ...); access_leave(self); }        errno stays as it was
 *   access_note(memory, size, flags, CALLER());                              all of it, for one access
 *
 * Invariant: a thread that the library does not know passes through; it is not made known here, for the allocator or
 *            the loader may be what calls.  Calls that the library makes itself pass through as well.
 */
#ifndef LOCKHOUND_PRELOAD_INTERCEPT_ACCESS_H
#define LOCKHOUND_PRELOAD_INTERCEPT_ACCESS_H

#include <errno.h>

#include "detector/race.h"
#include "preload/hook.h"
#include "preload/weave/callers.h"
#include "preload/weave/memory_events.h"
#include "preload/weave/switch.h"

/* The caller's program counter and stack pointer. */
#define CALLER_PC() ((uintptr_t)__builtin_return_address(0))
#define CALLER_SP() ((uintptr_t)__builtin_dwarf_cfa())

/* RBP as the caller had it: the first thing that a function with a frame pointer saves. */
#define CALLER_BP() (*(const uintptr_t *)__builtin_frame_address(0))

/* Small enough to be handed on in registers. */
struct caller {
    uintptr_t sp, bp;
};
#define CALLER() ((struct caller){CALLER_SP(), CALLER_BP()})

/* Returns: where the call returns to, which stands there as long as it has not. */
static inline uintptr_t caller_pc(struct caller caller)
{
    return ((const uintptr_t *)caller.sp)[-1];
}

/* The library's own first byte; its code and constants stand between it and _DYNAMIC. */
extern const char own_begin[] __asm__("__ehdr_start") __attribute__((visibility("hidden")));

static inline bool access_is_our_own(uintptr_t pc)
{
    return pc - (uintptr_t)own_begin < (uintptr_t)_DYNAMIC - (uintptr_t)own_begin;
}

/* `inside` was set: the hook's code may run. */
static inline struct self *access_enter(struct caller caller)
{
    const struct self *known = self_current;
    if ((uintptr_t)known <= (uintptr_t)SELF_GONE || access_is_our_own(caller_pc(caller)))
        return NULL;
    return hook_enter();
}

static inline void access_leave(struct self *self)
{
    hook_leave(self);
}

/* The same where nothing is to be done unless the thread's accesses are checked.  Returns: NULL when they are not. */
static inline struct self *access_enter_watched(struct caller caller)
{
    struct self *self = access_enter(caller);
    if (self == NULL || memory_is_watched(self))
        return self;
    access_leave(self);
    return NULL;
}

/* Returns: true when nothing is to be told of an access, for the thread has done as much there since its last release; `flags`: 0 or
 * RACE_WRITE.  So ask before entering.  Context: signal, in-malloc, loader-lock. */
static inline bool access_is_known(const void *memory, size_t size, uint32_t flags)
{
    const struct self *self = self_current;
    return size == 0 || ((uintptr_t)self > (uintptr_t)SELF_GONE && self->plane != NULL &&
                         memory_is_known_woven(self, memory, size, flags));
}

/* The cheaper one: for what is looked at only when there is a finding. */
static inline struct callers_id access_callers(struct self *self, struct caller caller)
{
    return callers_of_call(self, caller_pc(caller), caller.sp, caller.bp);
}

/* Returns: the same when the thread's cache of stacks has it; none otherwise. */
static inline struct callers_id access_callers_known(struct self *self, struct caller caller)
{
    return callers_of(stack_cache_find(&self->stacks, caller_pc(caller), caller.sp));
}

static inline struct stack_id access_stack(struct self *self, struct caller caller)
{
    return stack_cache_take(&self->stacks, caller_pc(caller), caller.sp);
}

/* One access, and nothing else: all of the above.  `flags`: enum race_access_flag.  Context: signal, in-malloc, loader-lock. */
void access_note(const void *memory, size_t size, uint32_t flags, struct caller caller);
/* The same, but nothing of NULL, nor of what is in the caller's own frame or a little above it: nearly all that calls are given room
 * for is, and what other threads are shown is not.  Context: signal, in-malloc, loader-lock. */
void access_note_far(const void *memory, size_t size, uint32_t flags, struct caller caller);
/* Returns: false where access_note_far() does nothing, so that the size need not be asked for.  Context: signal, in-malloc. */
bool access_is_far(const void *memory, struct caller caller);

#endif
