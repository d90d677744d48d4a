/* hook.h: how every interposed function begins and ends.
 *
 *   int pthread_x(...)
 *   {
 *       struct self *self = hook_enter();
 *       if (self == NULL)
 *           return real.pthread_x(...);          early, inside ourselves, or the thread is gone
 *       struct stack_id at = HOOK_STACK(self);
 *       emit_lock_request(self, ..., at);        to the trace and the detector: emit.h
 *       int result = real.pthread_x(...);        errno is the program's from here on
 *       emit_lock_acquired(self, ..., at);
 *       hook_leave(self);
 *       return result;
 *   }
 *
 * Invariant: between hook_enter() and hook_leave() nothing of ours is entered a second time by this thread; a signal
 *            handler that arrives there passes through.  A handler that left by siglongjmp is noticed by the stack.
 *            hook_pause()/hook_resume() bracket every real call that may block or run code of the program, so that
 *            what happens in there is seen.
 */
#ifndef LOCKHOUND_PRELOAD_HOOK_H
#define LOCKHOUND_PRELOAD_HOOK_H

#include "preload/deferral.h"
#include "preload/lockhound.h"
#include "preload/real.h"
#include "preload/self.h"
#include "preload/weave/plane.h"

#define hook_likely(x)   __builtin_expect(!!(x), 1)
#define hook_unlikely(x) __builtin_expect(!!(x), 0)

/* The rare ways into a hook: unknown thread, already inside, gone.  Returns: NULL to pass through.
 * Context: signal, in-malloc, loader-lock, reentrant, early, late. */
struct self *hook_enter_slowly(struct self *self, uintptr_t frame);

static inline struct self *hook_enter_at(uintptr_t frame)
{
    struct self *self = self_current;
    if (hook_unlikely((uintptr_t)self <= (uintptr_t)SELF_GONE || self->inside))
        return hook_enter_slowly(self, frame);
    self->inside = true;
    self->inside_frame = frame;
    if (hook_unlikely(self->plane != NULL))
        plane_settle(self);
    return self;
}
#define hook_enter() hook_enter_at((uintptr_t)__builtin_frame_address(0))

static inline void hook_leave(struct self *self)
{
    if (hook_unlikely(self->plane != NULL))
        plane_sync(self);
    self_leave(self);
    deferral_check();
}

/* No signal waits for this hook's end from here on, and none does yet: what it calls hands the thread's mask on. */
static inline void hook_hands_mask_on(struct self *self)
{
    self->inside_frame = UINTPTR_MAX; /* whatever is called is deeper */
    deferral_check();
}

/* Around a real call that blocks or runs the program's code. */
static inline void hook_pause(struct self *self)
{
    hook_leave(self);
}
static inline void hook_resume(struct self *self)
{
    self->inside = true;
    self->inside_frame = (uintptr_t)__builtin_frame_address(0); /* hooks of a handler meanwhile had their own */
    if (hook_unlikely(self->plane != NULL))
        plane_settle(self);
}

/* The program's stack at this call: must be used in the interposed function itself. */
#define HOOK_STACK(self)                                                                                               \
    stack_cache_take(&(self)->stacks, (uintptr_t)__builtin_return_address(0),                                          \
                     (uintptr_t)__builtin_frame_address(0) + 16)

/* The object at `address`, from the thread's own cache in the usual case; NULL when it is not known yet.
 * Context: signal, in-malloc. */
struct object *hook_object_slowly(struct self *self, uint64_t address);

static inline struct object_cache_line *hook_cache_line(struct self *self, uint64_t address)
{
    return &self->objects[(address >> 3 ^ address >> 11) % OBJECT_CACHE_SIZE];
}

/* Puts an object that was just found or made into the thread's cache.  Context: signal. */
void hook_remember_object(struct self *self, uint64_t address, struct object *object);

static inline struct object *hook_object(struct self *self, const void *place)
{
    uint64_t address = (uint64_t)(uintptr_t)place;
    const struct object_cache_line *line = hook_cache_line(self, address);
    if (hook_likely(line->address == address && object_is_live_at(line->object, address)))
        return line->object;
    return hook_object_slowly(self, address);
}

/* An object on the thread's own stack was just made known: hook_stack_popped() will see the end of its frame.
 * Context: signal, in-malloc. */
void hook_note_stack_object(struct self *self, uint64_t address);
void hook_stack_popped(struct self *self, uintptr_t frame);

/* Called with the frame of the hook: objects of frames that have returned are gone. */
static inline void hook_check_stack(struct self *self, uintptr_t frame)
{
    if (hook_unlikely(frame > self->stack_watch))
        hook_stack_popped(self, frame);
}

#endif
