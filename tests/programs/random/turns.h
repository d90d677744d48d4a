/* turns.h: what random programs are made with: turns that pass from thread to thread unseen, and pointers that go the
 * same way.  Both go through pipes by bare system calls, so that they order the threads in time and in nothing else. */
#ifndef RANDOM_TURNS_H
#define RANDOM_TURNS_H

#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include "unseen.h"

enum { TURN_THREADS = 8, TURN_SLOTS = 64 };

static int turn_pipe[TURN_THREADS][2], slot_pipe[TURN_SLOTS][2], data_pipe[2];

static inline void turn_open(void)
{
    for (int i = 0; i < TURN_THREADS; i++)
        unseen_call(SYS_pipe, (long)turn_pipe[i], 0, 0);
    for (int i = 0; i < TURN_SLOTS; i++)
        unseen_call(SYS_pipe, (long)slot_pipe[i], 0, 0);
    unseen_call(SYS_pipe, (long)data_pipe, 0, 0);
}

static inline void turn_pass(int thread)
{
    char byte = 1;
    unseen_call(SYS_write, turn_pipe[thread][1], (long)&byte, 1);
}

static inline void turn_wait(int thread)
{
    char byte;
    unseen_call(SYS_read, turn_pipe[thread][0], (long)&byte, 1);
}

static inline void slot_put(int slot, const void *pointer)
{
    unseen_call(SYS_write, slot_pipe[slot][1], (long)&pointer, sizeof pointer);
}

/* The pointer stays in its slot. */
static inline void *slot_get(int slot)
{
    void *pointer;
    unseen_call(SYS_read, slot_pipe[slot][0], (long)&pointer, sizeof pointer);
    unseen_call(SYS_write, slot_pipe[slot][1], (long)&pointer, sizeof pointer);
    return pointer;
}

/* A step is a function of its own, or its frame stands in what debug information says of the code that it was inlined into. */
#if defined(RANDOM_INLINE)
#define STEP static inline __attribute__((always_inline)) void
#elif defined(__clang__)
#define STEP static __attribute__((noinline)) void
#else
#define STEP static __attribute__((noinline, noipa)) void
#endif

/* Around each step: no access goes over it, is merged with another's or is dropped, and no call is a jump. */
#define FENCED(...)                                                                                                    \
    do {                                                                                                               \
        __asm__ volatile("" ::: "memory");                                                                             \
        __VA_ARGS__;                                                                                                   \
        __asm__ volatile("" ::: "memory");                                                                             \
    } while (0)

#define USE(value) __asm__ volatile("" ::"r"(value))
/* By an instruction: a load of half a vector of which nothing is used is none. */
#define USEX(value) __asm__ volatile("pmovmskb %0, %%eax" ::"x"(value) : "eax")

static inline uint64_t opaque(uint64_t value)
{
    __asm__ volatile("" : "+r"(value));
    return value;
}

typedef int random_vector __attribute__((vector_size(16)));
#define RANDOM_PACKED(name, type)                                                                                      \
    struct __attribute__((packed, may_alias)) packed_##name {                                                          \
        type v;                                                                                                        \
    }
RANDOM_PACKED(u1, uint8_t);
RANDOM_PACKED(u2, uint16_t);
RANDOM_PACKED(u4, uint32_t);
RANDOM_PACKED(u8, uint64_t);
RANDOM_PACKED(v16, random_vector);
RANDOM_PACKED(f4, float);
RANDOM_PACKED(f8, double);
RANDOM_PACKED(
    s24, struct random_24 { char bytes[24]; });
RANDOM_PACKED(
    s40, struct random_40 { char bytes[40]; });

#define AT(type, base, offset) (((struct packed_##type *)((unsigned char *)(base) + (offset)))->v)

struct random_object {
    char a;
    short b;
    int c;
    long d;
    float e;
    double f;
    unsigned g : 3, h : 5, i : 8, j : 16;
    unsigned char k;
};

#ifndef RANDOM_ATOMIC
#define RANDOM_ATOMIC int
#endif

/* An atomic and a plain variable in the same eight bytes. */
struct random_mixed {
    RANDOM_ATOMIC atomic;
    int plain;
};

#endif
