#include "preload/abi/annotations.h"

#include <errno.h>

#include "preload/abi/annotate.h"
#include "preload/abi/ignored.h"
#include "preload/abi/tsan.h"
#include "preload/intercept/objects.h"
#include "preload/weave/memory_events.h"
#include "preload/weave/plane.h"

enum { BENIGN_SIZE_MAX = 4096 };

/* __tsan_mutex_* flags of LLVM's sanitizer/tsan_interface.h */
enum {
    TSAN_READ_LOCK = 1 << 3,
    TSAN_TRY_LOCK = 1 << 4,
    TSAN_TRY_FAILED = 1 << 5,
};

/* ---- happens-before ----------------------------------------------------------------------------------------------- */

static struct object *channel_at(struct self *self, const volatile void *place)
{
    struct object *channel = hook_object(self, (const void *)(uintptr_t)place);
    if (channel != NULL)
        return channel;
    static const struct object_traits traits = {.was_initialised = true};
    return emit_object_adopt(self, OBJECT_FUTEX, (uint64_t)(uintptr_t)place, &traits, (struct stack_id){0});
}

static void channel(const volatile void *place, bool sends, uintptr_t pc, uintptr_t sp)
{
    int saved = errno;
    struct self *self = hook_enter();
    if (self != NULL) {
        struct object *object = channel_at(self, place);
        if (object != NULL && sends)
            emit_channel_send(self, object, stack_cache_take(&self->stacks, pc, sp));
        else if (object != NULL)
            emit_channel_receive(self, object);
        hook_leave(self);
    }
    errno = saved;
}

#define CHANNEL(place, sends)                                                                                          \
    channel(place, sends, (uintptr_t)__builtin_return_address(0), (uintptr_t)__builtin_dwarf_cfa())

HOOK_EXPORT void __tsan_release(void *place)
{
    CHANNEL(place, true);
}
HOOK_EXPORT void __tsan_acquire(void *place)
{
    CHANNEL(place, false);
}
HOOK_EXPORT void AnnotateHappensBefore(const char *file, int line, const volatile void *place)
{
    (void)file;
    (void)line;
    CHANNEL(place, true);
}
HOOK_EXPORT void AnnotateHappensAfter(const char *file, int line, const volatile void *place)
{
    (void)file;
    (void)line;
    CHANNEL(place, false);
}
HOOK_ALIAS(WTFAnnotateHappensBefore, AnnotateHappensBefore);
HOOK_ALIAS(WTFAnnotateHappensAfter, AnnotateHappensAfter);

/* ---- locks -------------------------------------------------------------------------------------------------------- */

enum lock_event { LOCK_MADE, LOCK_ENDED, LOCK_WANTED, LOCK_TAKEN, LOCK_LEFT };

static void lock_event(struct self *self, enum lock_event event, const void *lock, enum lock_mode mode, uintptr_t frame,
                       struct stack_id at)
{
    if (event == LOCK_MADE) {
        objects_init(self, OBJECT_RWLOCK, lock, frame, at);
        return;
    }
    struct object *object = objects_find(self, OBJECT_RWLOCK, lock, frame, at);
    if (object == NULL)
        return;
    if (event == LOCK_ENDED)
        objects_destroy(self, OBJECT_RWLOCK, lock, frame, at);
    else if (event == LOCK_WANTED)
        emit_lock_request(self, object, mode, false, at);
    else if (event == LOCK_TAKEN)
        emit_lock_acquired(self, object, mode, false, at);
    else
        emit_lock_released(self, object, at);
}

static void tell(enum lock_event event, const volatile void *lock, bool is_shared, uintptr_t frame, uintptr_t pc,
                 uintptr_t sp)
{
    int saved = errno;
    struct self *self = hook_enter();
    if (self != NULL) {
        lock_event(self, event, (const void *)(uintptr_t)lock, is_shared ? LOCK_SHARED : LOCK_EXCLUSIVE, frame,
                   stack_cache_take(&self->stacks, pc, sp));
        hook_leave(self);
    }
    errno = saved;
}
#define TELL(event, lock, is_shared)                                                                                   \
    tell(event, lock, is_shared, HOOK_FRAME(), (uintptr_t)__builtin_return_address(0), (uintptr_t)__builtin_dwarf_cfa())

#define LOCK_ANNOTATION(name, event)                                                                                   \
    HOOK_EXPORT void name(const char *file, int line, const volatile void *lock)                                       \
    {                                                                                                                  \
        (void)file;                                                                                                    \
        (void)line;                                                                                                    \
        TELL(event, lock, false);                                                                                      \
    }
LOCK_ANNOTATION(AnnotateRWLockCreate, LOCK_MADE)
LOCK_ANNOTATION(AnnotateRWLockCreateStatic, LOCK_MADE)
LOCK_ANNOTATION(AnnotateRWLockDestroy, LOCK_ENDED)

HOOK_EXPORT void AnnotateRWLockAcquired(const char *file, int line, const volatile void *lock, long is_writer)
{
    (void)file;
    (void)line;
    TELL(LOCK_WANTED, lock, is_writer == 0);
    TELL(LOCK_TAKEN, lock, is_writer == 0);
}
HOOK_EXPORT void AnnotateRWLockReleased(const char *file, int line, const volatile void *lock, long is_writer)
{
    (void)file;
    (void)line;
    TELL(LOCK_LEFT, lock, is_writer == 0);
}

HOOK_EXPORT void __tsan_mutex_create(void *lock, unsigned flags)
{
    (void)flags;
    TELL(LOCK_MADE, lock, false);
}
HOOK_EXPORT void __tsan_mutex_destroy(void *lock, unsigned flags)
{
    (void)flags;
    TELL(LOCK_ENDED, lock, false);
}
HOOK_EXPORT void __tsan_mutex_pre_lock(void *lock, unsigned flags)
{
    if ((flags & TSAN_TRY_LOCK) == 0)
        TELL(LOCK_WANTED, lock, (flags & TSAN_READ_LOCK) != 0);
}
HOOK_EXPORT void __tsan_mutex_post_lock(void *lock, unsigned flags, int recursion)
{
    (void)recursion;
    if ((flags & TSAN_TRY_FAILED) == 0)
        TELL(LOCK_TAKEN, lock, (flags & TSAN_READ_LOCK) != 0);
}
HOOK_EXPORT int __tsan_mutex_pre_unlock(void *lock, unsigned flags)
{
    TELL(LOCK_LEFT, lock, (flags & TSAN_READ_LOCK) != 0);
    return 0;
}

/* What is annotated is told before the unlock; the calls around it, around signals and while other code runs with the lock
 * put aside, change nothing that is not seen anyway. */
#define NOTHING(name)                                                                                                  \
    HOOK_EXPORT void name(void *lock, unsigned flags)                                                                  \
    {                                                                                                                  \
        (void)lock;                                                                                                    \
        (void)flags;                                                                                                   \
    }
NOTHING(__tsan_mutex_post_unlock)
NOTHING(__tsan_mutex_pre_signal)
NOTHING(__tsan_mutex_post_signal)
NOTHING(__tsan_mutex_pre_divert)
NOTHING(__tsan_mutex_post_divert)

/* ---- memory ------------------------------------------------------------------------------------------------------- */

/* The bytes become a synchronising address: no access to them is a race any more.  Before accesses are looked at, they are
 * kept as ones where none is told. */
static void benign(const volatile void *place, size_t size)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return;
    uint64_t low = (uint64_t)(uintptr_t)place, high = low + (size < BENIGN_SIZE_MAX ? size : BENIGN_SIZE_MAX);
    if (self->plane == NULL) {
        ignored_add(low, high);
        hook_leave(self);
        return;
    }
    for (uint64_t at = low; at < high; at += 8)
        race_atomic_after(plane_engine(), &self->plane->race, at, (uint32_t)(high - at < 8 ? high - at : 8),
                          ORDER_RELAXED);
    hook_leave(self);
}

HOOK_EXPORT void AnnotateBenignRaceSized(const char *file, int line, const volatile void *place, size_t size,
                                         const char *why)
{
    (void)file;
    (void)line;
    (void)why;
    benign(place, size);
}
HOOK_ALIAS(WTFAnnotateBenignRaceSized, AnnotateBenignRaceSized);
HOOK_EXPORT void AnnotateBenignRace(const char *file, int line, const volatile void *place, const char *why)
{
    AnnotateBenignRaceSized(file, line, place, 8, why);
}

HOOK_EXPORT void AnnotateNewMemory(const char *file, int line, const volatile void *place, size_t size)
{
    (void)file;
    (void)line;
    struct self *self = hook_enter();
    if (self == NULL)
        return;
    memory_fresh(self, (uintptr_t)place, (uintptr_t)place + size);
    hook_leave(self);
}

/* ---- what a thread does unseen -------------------------------------------------------------------------------------- */

void annotate_ignore(unsigned which, int change)
{
    struct self *self = self_current;
    if (self > SELF_GONE)
        self->ignored[which] = (uint16_t)(self->ignored[which] + change);
}

#define IGNORE(name, which, change)                                                                                    \
    HOOK_EXPORT void name(const char *file, int line)                                                                  \
    {                                                                                                                  \
        (void)file;                                                                                                    \
        (void)line;                                                                                                    \
        annotate_ignore(which, change);                                                                                \
    }
IGNORE(AnnotateIgnoreReadsBegin, SELF_IGNORES_READS, 1)
IGNORE(AnnotateIgnoreReadsEnd, SELF_IGNORES_READS, -1)
IGNORE(AnnotateIgnoreWritesBegin, SELF_IGNORES_WRITES, 1)
IGNORE(AnnotateIgnoreWritesEnd, SELF_IGNORES_WRITES, -1)

/* ---- for Valgrind's memory checkers, or of no use here --------------------------------------------------------------- */

HOOK_EXPORT void AnnotateIgnoreSyncBegin(const char *file, int line)
{
    (void)file;
    (void)line;
}
HOOK_ALIAS(AnnotateIgnoreSyncEnd, AnnotateIgnoreSyncBegin);
HOOK_ALIAS(AnnotateFlushState, AnnotateIgnoreSyncBegin);
HOOK_EXPORT void AnnotateThreadName(const char *file, int line, const char *name)
{
    (void)file;
    (void)line;
    struct self *self = self_current;
    if (self > SELF_GONE)
        self_set_name(self, name);
}
HOOK_EXPORT void AnnotateEnableRaceDetection(const char *file, int line, int enable)
{
    (void)file;
    (void)line;
    (void)enable;
}
HOOK_EXPORT void AnnotateMemoryIsInitialized(const char *file, int line, const volatile void *place, size_t size)
{
    (void)file;
    (void)line;
    (void)place;
    (void)size;
}
HOOK_ALIAS(AnnotateMemoryIsUninitialized, AnnotateMemoryIsInitialized);
