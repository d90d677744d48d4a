/* tsan.h: what -fsanitize=thread makes a compiler call.  The names are the compilers'; see abi.def. */
#ifndef LOCKHOUND_PRELOAD_ABI_TSAN_H
#define LOCKHOUND_PRELOAD_ABI_TSAN_H

#include <stdbool.h>
#include <stdint.h>

/* Context of all: signal. */
void __tsan_init(void);
void __tsan_func_entry(void *caller);
void __tsan_func_exit(void);
void __tsan_vptr_update(void **vptr, void *value);
void __tsan_vptr_read(void **vptr);
void __tsan_read_range(void *place, unsigned long size);
void __tsan_write_range(void *place, unsigned long size);
void *__tsan_memcpy(void *to, const void *from, unsigned long size);
void *__tsan_memmove(void *to, const void *from, unsigned long size);
void *__tsan_memset(void *to, int value, unsigned long size);
void __tsan_acquire(void *place);
void __tsan_release(void *place);

#define TSAN_BYTES(name)                                                                                               \
    void name##1(void *place);                                                                                         \
    void name##2(void *place);                                                                                         \
    void name##4(void *place);                                                                                         \
    void name##8(void *place);                                                                                         \
    void name##16(void *place);
TSAN_BYTES(__tsan_read)
TSAN_BYTES(__tsan_write)
TSAN_BYTES(__tsan_unaligned_read)
TSAN_BYTES(__tsan_unaligned_write)
TSAN_BYTES(__tsan_volatile_read)
TSAN_BYTES(__tsan_volatile_write)
TSAN_BYTES(__tsan_unaligned_volatile_read)
TSAN_BYTES(__tsan_unaligned_volatile_write)
TSAN_BYTES(__tsan_read_write)
TSAN_BYTES(__tsan_unaligned_read_write)
#undef TSAN_BYTES

/* Orders are the compiler's __ATOMIC_* numbers. */
void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_signal_fence(int order);
#define TSAN_ATOMICS(bits, type)                                                                                       \
    type __tsan_atomic##bits##_load(const volatile type *place, int order);                                            \
    void __tsan_atomic##bits##_store(volatile type *place, type value, int order);                                     \
    type __tsan_atomic##bits##_exchange(volatile type *place, type value, int order);                                  \
    type __tsan_atomic##bits##_fetch_add(volatile type *place, type value, int order);                                 \
    type __tsan_atomic##bits##_fetch_sub(volatile type *place, type value, int order);                                 \
    type __tsan_atomic##bits##_fetch_and(volatile type *place, type value, int order);                                 \
    type __tsan_atomic##bits##_fetch_or(volatile type *place, type value, int order);                                  \
    type __tsan_atomic##bits##_fetch_xor(volatile type *place, type value, int order);                                 \
    type __tsan_atomic##bits##_fetch_nand(volatile type *place, type value, int order);                                \
    int __tsan_atomic##bits##_compare_exchange_strong(volatile type *place, type *expected, type value, int order,     \
                                                      int failure);                                                    \
    int __tsan_atomic##bits##_compare_exchange_weak(volatile type *place, type *expected, type value, int order,       \
                                                    int failure);                                                      \
    type __tsan_atomic##bits##_compare_exchange_val(volatile type *place, type expected, type value, int order,        \
                                                    int failure);
__extension__ typedef unsigned __int128 tsan_u128;
TSAN_ATOMICS(8, uint8_t)
TSAN_ATOMICS(16, uint16_t)
TSAN_ATOMICS(32, uint32_t)
TSAN_ATOMICS(64, uint64_t)
TSAN_ATOMICS(128, tsan_u128)
#undef TSAN_ATOMICS

#endif
