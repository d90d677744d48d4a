/* atomic.c: atomic operations and fences of objects compiled with -fsanitize=thread, with the orders of the source.
 *
 * Each is done here, sequentially consistent whatever its order; to the race engine it has the order that was written.
 * What is released is published before the operation, what is acquired is taken in after it.
 */
#include <errno.h>

#include "detector/event.h"
#include "preload/abi/atomic_tell.h"
#include "preload/abi/tsan.h"

static int order_of(int compilers)
{
    static const int orders[] = {
        [__ATOMIC_RELAXED] = ORDER_RELAXED, [__ATOMIC_CONSUME] = ORDER_CONSUME, [__ATOMIC_ACQUIRE] = ORDER_ACQUIRE,
        [__ATOMIC_RELEASE] = ORDER_RELEASE, [__ATOMIC_ACQ_REL] = ORDER_ACQ_REL, [__ATOMIC_SEQ_CST] = ORDER_SEQ_CST,
    };
    unsigned number = (unsigned)compilers & 0xff; /* above stand hints for transactional memory */
    return number < sizeof orders / sizeof *orders ? orders[number] : ORDER_SEQ_CST;
}

void atomic_tell(enum atomic_when when, const volatile void *place, uint32_t size, int order)
{
    if (hook_likely(self_current <= SELF_GONE || self_current->plane == NULL))
        return;
    int saved = errno;
    struct self *self = hook_enter();
    if (self != NULL) {
        struct race_plane *race = &self->plane->race;
        uint64_t address = (uint64_t)(uintptr_t)place;
        self->plane->here = (struct callers_id){0}; /* not asked for: it costs more than the operation */
        if (when == ATOMIC_BEFORE)
            race_atomic_before(plane_engine(), race, address, size, order_of(order));
        else
            race_atomic_after(plane_engine(), race, address, size, order_of(order));
        hook_leave(self);
    }
    errno = saved;
}

HOOK_EXPORT void __tsan_atomic_thread_fence(int order)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    struct self *self = self_current > SELF_GONE && self_current->plane != NULL ? hook_enter() : NULL;
    if (self == NULL)
        return;
    race_fence(plane_engine(), &self->plane->race, order_of(order));
    hook_leave(self);
}

HOOK_EXPORT void __tsan_atomic_signal_fence(int order)
{
    (void)order;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

#define FETCH(bits, type, operation)                                                                                   \
    HOOK_EXPORT type __tsan_atomic##bits##_fetch_##operation(volatile type *place, type value, int order)              \
    {                                                                                                                  \
        atomic_tell(ATOMIC_BEFORE, place, sizeof *place, order);                                                       \
        type before = __atomic_fetch_##operation(place, value, __ATOMIC_SEQ_CST);                                      \
        atomic_tell(ATOMIC_AFTER, place, sizeof *place, order);                                                        \
        return before;                                                                                                 \
    }

#define ATOMICS(bits, type)                                                                                            \
    HOOK_EXPORT type __tsan_atomic##bits##_load(const volatile type *place, int order)                                 \
    {                                                                                                                  \
        type value = __atomic_load_n(place, __ATOMIC_SEQ_CST);                                                         \
        atomic_tell(ATOMIC_AFTER, place, sizeof *place, order);                                                        \
        return value;                                                                                                  \
    }                                                                                                                  \
    HOOK_EXPORT void __tsan_atomic##bits##_store(volatile type *place, type value, int order)                          \
    {                                                                                                                  \
        atomic_tell(ATOMIC_BEFORE, place, sizeof *place, order);                                                       \
        __atomic_store_n(place, value, __ATOMIC_SEQ_CST);                                                              \
    }                                                                                                                  \
    HOOK_EXPORT type __tsan_atomic##bits##_exchange(volatile type *place, type value, int order)                       \
    {                                                                                                                  \
        atomic_tell(ATOMIC_BEFORE, place, sizeof *place, order);                                                       \
        type before = __atomic_exchange_n(place, value, __ATOMIC_SEQ_CST);                                             \
        atomic_tell(ATOMIC_AFTER, place, sizeof *place, order);                                                        \
        return before;                                                                                                 \
    }                                                                                                                  \
    FETCH(bits, type, add)                                                                                             \
    FETCH(bits, type, sub)                                                                                             \
    FETCH(bits, type, and)                                                                                             \
    FETCH(bits, type, or)                                                                                              \
    FETCH(bits, type, xor)                                                                                             \
    FETCH(bits, type, nand)                                                                                            \
    HOOK_EXPORT int __tsan_atomic##bits##_compare_exchange_strong(volatile type *place, type *expected, type value,    \
                                                                  int order, int failure)                              \
    {                                                                                                                  \
        atomic_tell(ATOMIC_BEFORE, place, sizeof *place, order);                                                       \
        bool done = __atomic_compare_exchange_n(place, expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);    \
        atomic_tell(ATOMIC_AFTER, place, sizeof *place, done ? order : failure);                                       \
        return done;                                                                                                   \
    }                                                                                                                  \
    HOOK_EXPORT int __tsan_atomic##bits##_compare_exchange_weak(volatile type *place, type *expected, type value,      \
                                                                int order, int failure)                                \
    {                                                                                                                  \
        return __tsan_atomic##bits##_compare_exchange_strong(place, expected, value, order, failure);                  \
    }                                                                                                                  \
    HOOK_EXPORT type __tsan_atomic##bits##_compare_exchange_val(volatile type *place, type expected, type value,       \
                                                                int order, int failure)                                \
    {                                                                                                                  \
        __tsan_atomic##bits##_compare_exchange_strong(place, &expected, value, order, failure);                        \
        return expected;                                                                                               \
    }

ATOMICS(8, uint8_t)
ATOMICS(16, uint16_t)
ATOMICS(32, uint32_t)
ATOMICS(64, uint64_t)
