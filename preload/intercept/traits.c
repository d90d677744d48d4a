#include "preload/intercept/traits.h"

#include "preload/libc_types.h"
#include "preload/mapping.h"
#include "preload/modules.h"
#include "preload/runtimes/cpython.h"

#include <limits.h>
#include <linux/futex.h>

/* The other bits of pthread_mutex_t's __kind. */
enum mutex_kind_bits {
    MUTEX_ROBUST_BIT = 0x10,
    MUTEX_INHERIT_BIT = 0x20,
    MUTEX_PROTECT_BIT = 0x40,
    MUTEX_SHARED_BIT = 0x80,
    MUTEX_ELISION_BITS = 0x300,
};

enum { MUTEX_LOCK_WORD_MAX = 2, CONDITION_GROUP_MAX = 1 << 22 /* as many threads as Linux can have */ };

/* The first words of a sem_t on 64-bit glibc. */
struct semaphore_layout {
    uint32_t value;
    uint32_t waiters;
    uint32_t shared; /* 0, or FUTEX_PRIVATE_FLAG for a process-shared one: glibc keeps it inverted */
};

/* The first words of a pthread_barrier_t. */
struct barrier_layout {
    uint32_t in;
    uint32_t round;
    uint32_t count;
    uint32_t shared;
};

static struct object_traits read_mutex(const pthread_mutex_t *mutex)
{
    static const enum mutex_type types[] = {MUTEX_NORMAL, MUTEX_RECURSIVE, MUTEX_ERRORCHECK, MUTEX_ADAPTIVE};
    unsigned kind = (unsigned)mutex->__data.__kind;
    unsigned special = MUTEX_ROBUST_BIT | MUTEX_INHERIT_BIT | MUTEX_PROTECT_BIT;
    bool kind_is_known = (kind & ~(MUTEX_TYPE_BITS | special | MUTEX_SHARED_BIT | MUTEX_ELISION_BITS)) == 0;
    bool word_is_known = (kind & special) != 0 || (unsigned)mutex->__data.__lock <= MUTEX_LOCK_WORD_MAX;

    return (struct object_traits){
        .type = types[kind & MUTEX_TYPE_BITS],
        .robust = (kind & MUTEX_ROBUST_BIT) != 0,
        .process_shared = (kind & MUTEX_SHARED_BIT) != 0,
        .was_initialised = kind_is_known && word_is_known,
    };
}

static struct object_traits read_rwlock(const pthread_rwlock_t *lock)
{
    return (struct object_traits){
        .process_shared = lock->__data.__shared != 0,
        .prefers_writers = lock->__data.__flags == PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP,
        .was_initialised = lock->__data.__flags <= PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP &&
                           (unsigned)lock->__data.__shared <= 1,
    };
}

static struct object_traits read_condition(const pthread_cond_t *cond)
{
    return (struct object_traits){
        .process_shared = (cond->__data.__wrefs & 1) != 0,
        .was_initialised =
            cond->__data.__g_size[0] <= CONDITION_GROUP_MAX && cond->__data.__g_size[1] <= CONDITION_GROUP_MAX,
    };
}

/* The kinds without a static initialiser: zeroed memory is one that init never saw, unless another process did. */
static struct object_traits read_spinlock(const pthread_spinlock_t *lock)
{
    bool shared = mapping_is_shared((uintptr_t)lock);
    return (struct object_traits){.process_shared = shared, .was_initialised = shared || *lock == 1};
}

static struct object_traits read_semaphore(const void *place)
{
    const struct semaphore_layout *sem = place;
    bool shared = mapping_is_shared((uintptr_t)place);
    bool is_plausible = sem->value <= SEM_VALUE_MAX && (sem->shared == 0 || sem->shared == FUTEX_PRIVATE_FLAG);
    bool is_zero = sem->value == 0 && sem->waiters == 0 && sem->shared == 0;
    return (struct object_traits){
        .process_shared = shared || sem->shared != 0,
        .was_initialised = shared || (is_plausible && !is_zero),
        .count = sem->value,
    };
}

static struct object_traits read_barrier(const void *place)
{
    const struct barrier_layout *barrier = place;
    bool shared = mapping_is_shared((uintptr_t)place);
    return (struct object_traits){
        .process_shared = shared || barrier->shared != 0,
        .was_initialised =
            shared || (barrier->count != 0 && (barrier->shared == 0 || barrier->shared == FUTEX_PRIVATE_FLAG)),
        .count = barrier->count,
    };
}

static struct object_traits read_kind(enum object_kind kind, const void *place)
{
    switch (kind) {
    case OBJECT_MUTEX:
        return read_mutex(place);
    case OBJECT_RWLOCK:
        return read_rwlock(place);
    case OBJECT_COND:
        return read_condition(place);
    case OBJECT_SPINLOCK:
        return read_spinlock(place);
    case OBJECT_SEMAPHORE:
        return read_semaphore(place);
    case OBJECT_BARRIER:
        return read_barrier(place);
    case OBJECT_ONCE:
    case OBJECT_FUTEX:
    case OBJECT_THREAD:
    case OBJECT_KIND_COUNT:
        break;
    }
    return (struct object_traits){.was_initialised = true};
}

struct object_traits traits_read(enum object_kind kind, const void *place)
{
    struct object_traits traits = read_kind(kind, place);
    traits.is_static = module_data_contains((uintptr_t)place);
    traits.schedules = kind == OBJECT_COND && cpython_owns((uintptr_t)place);
    return traits;
}

uint32_t traits_semaphore_value(const void *place)
{
    const struct semaphore_layout *sem = place;
    /* Relaxed: only a hint for the overflow check; the real post decides. */
    return __atomic_load_n(&sem->value, __ATOMIC_RELAXED);
}
