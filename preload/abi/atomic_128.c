/* atomic_128.c: as atomic.c, for 16 bytes: each operation is a loop around CMPXCHG16B (this file is built with -mcx16). */
#include <errno.h>

#include "preload/abi/atomic_tell.h"
#include "preload/abi/tsan.h"

static tsan_u128 swap(volatile tsan_u128 *place, tsan_u128 expected, tsan_u128 value)
{
    return __sync_val_compare_and_swap(place, expected, value);
}

HOOK_EXPORT tsan_u128 __tsan_atomic128_load(const volatile tsan_u128 *place, int order)
{
    tsan_u128 value = swap((volatile tsan_u128 *)(uintptr_t)place, 0, 0);
    atomic_tell(ATOMIC_AFTER, place, sizeof *place, order);
    return value;
}

/* Replaces *place by `wanted`, which may use `before`.  Returns: what stood there. */
#define EXCHANGE(name, wanted)                                                                                         \
    HOOK_EXPORT tsan_u128 __tsan_atomic128_##name(volatile tsan_u128 *place, tsan_u128 value, int order)               \
    {                                                                                                                  \
        atomic_tell(ATOMIC_BEFORE, place, sizeof *place, order);                                                       \
        tsan_u128 before = *place, seen;                                                                               \
        while ((seen = swap(place, before, wanted)) != before)                                                         \
            before = seen;                                                                                             \
        atomic_tell(ATOMIC_AFTER, place, sizeof *place, order);                                                        \
        return before;                                                                                                 \
    }
EXCHANGE(exchange, value)
EXCHANGE(fetch_add, before + value)
EXCHANGE(fetch_sub, before - value)
EXCHANGE(fetch_and, before &value)
EXCHANGE(fetch_or, before | value)
EXCHANGE(fetch_xor, before ^ value)
EXCHANGE(fetch_nand, ~(before &value))

HOOK_EXPORT void __tsan_atomic128_store(volatile tsan_u128 *place, tsan_u128 value, int order)
{
    (void)__tsan_atomic128_exchange(place, value, order);
}

HOOK_EXPORT tsan_u128 __tsan_atomic128_compare_exchange_val(volatile tsan_u128 *place, tsan_u128 expected,
                                                            tsan_u128 value, int order, int failure)
{
    atomic_tell(ATOMIC_BEFORE, place, sizeof *place, order);
    tsan_u128 seen = swap(place, expected, value);
    atomic_tell(ATOMIC_AFTER, place, sizeof *place, seen == expected ? order : failure);
    return seen;
}

HOOK_EXPORT int __tsan_atomic128_compare_exchange_strong(volatile tsan_u128 *place, tsan_u128 *expected,
                                                         tsan_u128 value, int order, int failure)
{
    tsan_u128 wanted = *expected;
    *expected = __tsan_atomic128_compare_exchange_val(place, wanted, value, order, failure);
    return *expected == wanted;
}

HOOK_EXPORT int __tsan_atomic128_compare_exchange_weak(volatile tsan_u128 *place, tsan_u128 *expected, tsan_u128 value,
                                                       int order, int failure)
{
    return __tsan_atomic128_compare_exchange_strong(place, expected, value, order, failure);
}
