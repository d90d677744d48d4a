/* cxxabi.c: the guards of C++'s function-local statics.
 *
 *   acquire --1--> begin --> the initialiser --> release: done | abort (it threw): aborted
 *      \----0--> passed: another thread had initialised it, perhaps while we waited
 *
 * Model:     as once.c: who initialises holds the object, whoever else comes waits for it.
 * Guard:     its first byte is 1 when all is done, the second is not 0 while a thread initialises; the compiler looks at
 *            the first byte itself and calls only when it is 0.
 * A C++ runtime may arrive with dlopen() and out of our search order, so these are looked up at their first use.
 * Source:    Itanium C++ ABI 3.3.3; libstdc++ guard.cc, libc++abi cxa_guard_impl.h.
 */
#include <string.h>

#include "detector/event.h"
#include "preload/dynamic_symbol.h"
#include "preload/intercept/objects.h"
#include "preload/weave/plane.h"

enum { GUARD_DONE_BYTE = 0, GUARD_BUSY_BYTE = 1 };

int __cxa_guard_acquire(uint64_t *guard);
void __cxa_guard_release(uint64_t *guard);
void __cxa_guard_abort(uint64_t *guard);

/* Points the member of `real` at the runtime's function.  Many threads may do so at once: to the same value. */
static void resolve(bool *is_resolved, void *member, const char *name)
{
    if (hook_likely(__atomic_load_n(is_resolved, __ATOMIC_ACQUIRE)))
        return;
    uintptr_t found = dynamic_symbol_find(name);
    memcpy(member, &found, sizeof found);
    /* Release, with the acquire above: who sees the flag sees the pointer. */
    __atomic_store_n(is_resolved, true, __ATOMIC_RELEASE);
}

static int real_acquire(uint64_t *guard)
{
    static bool is_resolved;
    resolve(&is_resolved, &real.__cxa_guard_acquire, "__cxa_guard_acquire");
    return real.__cxa_guard_acquire(guard);
}

static void real_release(uint64_t *guard)
{
    static bool is_resolved;
    resolve(&is_resolved, &real.__cxa_guard_release, "__cxa_guard_release");
    real.__cxa_guard_release(guard);
}

static void real_abort(uint64_t *guard)
{
    static bool is_resolved;
    resolve(&is_resolved, &real.__cxa_guard_abort, "__cxa_guard_abort");
    real.__cxa_guard_abort(guard);
}

static bool is_busy(const uint64_t *guard)
{
    const uint8_t *bytes = (const uint8_t *)guard;
    /* Relaxed: decides only what is said to the detector; the real call orders. */
    return __atomic_load_n(&bytes[GUARD_DONE_BYTE], __ATOMIC_RELAXED) == 0 &&
           __atomic_load_n(&bytes[GUARD_BUSY_BYTE], __ATOMIC_RELAXED) != 0;
}

/* The compiler's own look at the first byte acquires what its store released, by whatever instructions the runtime makes that. */
static void note_order(struct self *self, const uint64_t *guard, int order)
{
    if (self->plane == NULL)
        return;
    struct race_plane *race = &self->plane->race;
    self->plane->here = (struct callers_id){0}; /* not asked for */
    if (order == ORDER_RELEASE)
        race_atomic_before(plane_engine(), race, (uintptr_t)guard, 1, order);
    else
        race_atomic_after(plane_engine(), race, (uintptr_t)guard, 1, order);
}

HOOK_EXPORT int __cxa_guard_acquire(uint64_t *guard)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real_acquire(guard);
    struct stack_id at = HOOK_STACK(self);
    struct object *object = objects_find(self, OBJECT_ONCE, guard, HOOK_FRAME(), at);
    bool has_blocked = object != NULL && is_busy(guard);
    note_order(self, guard, ORDER_ACQUIRE);
    if (has_blocked)
        emit_block(self, object, LOCK_EXCLUSIVE, false, at);
    hook_pause(self);
    int must_initialise = real_acquire(guard);
    hook_resume(self);
    if (has_blocked)
        emit_unblock(self);
    if (object != NULL && must_initialise)
        emit_once_begin(self, object, at);
    else if (object != NULL)
        emit_once_passed(self, object);
    hook_leave(self);
    return must_initialise;
}

static inline void finish(struct self *self, uint64_t *guard, bool aborted, uintptr_t frame, struct stack_id at)
{
    note_order(self, guard, ORDER_RELEASE);
    struct object *object = objects_find(self, OBJECT_ONCE, guard, frame, at);
    if (object != NULL)
        emit_once_done(self, object, aborted);
    hook_leave(self);
}

HOOK_EXPORT void __cxa_guard_release(uint64_t *guard)
{
    struct self *self = hook_enter();
    if (self != NULL)
        finish(self, guard, false, HOOK_FRAME(), HOOK_STACK(self));
    real_release(guard);
}

HOOK_EXPORT void __cxa_guard_abort(uint64_t *guard)
{
    struct self *self = hook_enter();
    if (self != NULL)
        finish(self, guard, true, HOOK_FRAME(), HOOK_STACK(self));
    real_abort(guard);
}
