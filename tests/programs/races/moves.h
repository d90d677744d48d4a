/* moves.h: atomic operations by macros that leave nothing but plain moves, as libraries of lock-free structures have them. */
#ifndef LOCKHOUND_TESTS_MOVES_H
#define LOCKHOUND_TESTS_MOVES_H

#define MAKE_LOAD(suffix, type, move)                                                                                  \
    static inline type load_##suffix(const type *from)                                                                 \
    {                                                                                                                  \
        type value;                                                                                                    \
        __asm__ __volatile__(move " %1, %0" : "=q"(value) : "m"(*from) : "memory");                                    \
        return value;                                                                                                  \
    }
#define MAKE_STORE(suffix, type, move)                                                                                 \
    static inline void store_##suffix(type *to, type value)                                                            \
    {                                                                                                                  \
        __asm__ __volatile__(move " %1, %0" : "=m"(*to) : "q"(value) : "memory");                                      \
    }
#define MAKE_BOTH(suffix, type, move) MAKE_LOAD(suffix, type, move) MAKE_STORE(suffix, type, move)

MAKE_BOTH(number, unsigned, "movl")

#define fetch_shared(place) fetch_anew(place)
#define fetch_anew(place)                                                                                              \
    __extension__({                                                                                                    \
        __typeof__(place) got_;                                                                                        \
        __atomic_load(&(place), &got_, __ATOMIC_ACQUIRE);                                                              \
        got_;                                                                                                          \
    })
#define set_shared(place, value)    __atomic_store_n(&(place), (value), __ATOMIC_RELEASE)
#define for_each_shared(item, head) for ((item) = fetch_shared(head); (item); (item) = fetch_shared((item)->next))

#endif
