#include "preload/intercept/objects.h"

#include "detector/held.h"
#include "detector/thread.h"

#include "preload/intercept/traits.h"
#include "preload/weave/callers.h"
#include "preload/weave/memory_events.h"
#include "preload/weave/plane.h"

/* So many uses of an object by a thread are held against what others did before, then one in so many. */
enum { USES_HELD = 16, USES_PASSED = 64 };

struct object *objects_adopt(struct self *self, enum object_kind kind, const void *place, struct object *known,
                             struct stack_id at)
{
    /* In a module's data memory is never anything else; elsewhere it may have become this object unseen. */
    if (known != NULL && known->is_static) {
        (void)emit_object_check_kind(self, known, kind, at);
        return NULL;
    }
    struct object_traits traits = traits_read(kind, place);
    struct object *object = emit_object_adopt(self, kind, (uintptr_t)place, &traits, at);
    if (object != NULL)
        hook_remember_object(self, (uintptr_t)place, object);
    return object;
}

/* Returns: 0 for what has no memory of its own, or is an atomic variable of the program's besides.  Units: bytes */
static size_t size_of_kind(enum object_kind kind)
{
    switch (kind) {
    case OBJECT_MUTEX:
        return sizeof(pthread_mutex_t);
    case OBJECT_RWLOCK:
        return sizeof(pthread_rwlock_t);
    case OBJECT_SPINLOCK:
        return sizeof(pthread_spinlock_t);
    case OBJECT_SEMAPHORE:
        return sizeof(sem_t);
    case OBJECT_COND:
        return sizeof(pthread_cond_t);
    case OBJECT_BARRIER:
        return sizeof(pthread_barrier_t);
    case OBJECT_ONCE:
    case OBJECT_FUTEX:
    case OBJECT_THREAD:
    case OBJECT_KIND_COUNT:
        break;
    }
    return 0;
}

/* Each time would make a lock that threads fight for half as dear again. */
static bool is_worth_a_look(struct self *self, const void *place)
{
    struct object_cache_line *line = hook_cache_line(self, (uint64_t)(uintptr_t)place);
    if (line->address != (uint64_t)(uintptr_t)place)
        return true;
    line->uses++;
    return line->uses <= USES_HELD || line->uses % USES_PASSED == 0;
}

void objects_note_use(struct self *self, enum object_kind kind, const void *place, struct stack_id at)
{
    if (size_of_kind(kind) == 0 || race_is_noted(&self->plane->race, (uintptr_t)place))
        return;
    if (is_worth_a_look(self, place))
        memory_access(self, place, 1, 0, callers_of(at));
    else
        memory_note_woven(self, place, callers_of(at));
}

void objects_signalled(struct self *self, const void *place, struct stack_id at)
{
    /* Under the mutex the call ends before whoever it wakes goes on. */
    if (self->plane == NULL || held_count(&self->thread->seat->held) != 0)
        return;
    plane_sync(self);
    objects_note_use(self, OBJECT_COND, place, at);
}

/* What ends while it is held or waited for is told as that, once. */
static bool is_reported_as_in_use(struct self *self, const void *place)
{
    struct object *object = memory_is_watched(self) ? hook_object(self, place) : NULL;
    return object != NULL && object_is_in_use(lockhound.detector, object);
}

void objects_init(struct self *self, enum object_kind kind, const void *place, uintptr_t frame, struct stack_id at)
{
    hook_check_stack(self, frame);
    struct object_traits traits = traits_read(kind, place);
    bool is_told = is_reported_as_in_use(self, place);
    struct object *object = emit_object_init(self, kind, (uintptr_t)place, &traits, at);
    if (object != NULL)
        hook_remember_object(self, (uintptr_t)place, object);
    if (!is_told)
        memory_access(self, place, size_of_kind(kind), RACE_WRITE, callers_of(at));
}

void objects_destroy(struct self *self, enum object_kind kind, const void *place, uintptr_t frame, struct stack_id at)
{
    if (place == NULL)
        return; /* glibc takes it for some kinds */
    struct object *object = objects_find(self, kind, place, frame, at);
    if (object == NULL)
        return;
    if (sharing_concerns(object))
        sharing_on_destroy(object);
    if (!is_reported_as_in_use(self, place))
        memory_access(self, place, size_of_kind(kind), RACE_WRITE, callers_of(at));
    emit_object_destroy(self, object, at);
}
