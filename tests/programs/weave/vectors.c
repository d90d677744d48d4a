/* vectors.c: vector registers keep their values over accesses, whatever the detector does at each: sets a tag, walks a stack
 * that is new, takes a chunk from another thread, orders atomics, or reports the one race that is here.  Fails when one has
 * changed. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct registers {
    uint8_t vector[32][64];
    uint64_t mask[8];
    uint32_t mxcsr, padding;
};

enum access { STORE_8, LOAD_8, STORE_16, LOAD_2, ADD_ATOMICALLY, EXCHANGE, ACCESSES };

/* The access stands between loading and storing every register, so that nothing of ours runs in between. */
#define ACCESS                                                                                                         \
    "ldmxcsr 2112(%[in])\n\t"                                                                                          \
    "cmpl $0, %[how]\n\tje 10f\n\tcmpl $1, %[how]\n\tje 11f\n\tcmpl $2, %[how]\n\tje 12f\n\t"                          \
    "cmpl $3, %[how]\n\tje 13f\n\tcmpl $4, %[how]\n\tje 14f\n\txchgq %%rax, (%[place])\n\tjmp 20f\n"                   \
    "10:\n\tmovq %%rax, (%[place])\n\tjmp 20f\n"                                                                       \
    "11:\n\tmovq (%[place]), %%rax\n\tjmp 20f\n"                                                                       \
    "12:\n\tmovups %%xmm0, (%[place])\n\tjmp 20f\n"                                                                    \
    "13:\n\tmovzwl (%[place]), %%eax\n\tjmp 20f\n"                                                                     \
    "14:\n\tlock xaddq %%rax, (%[place])\n"                                                                            \
    "20:\n\tstmxcsr 2112(%[out])\n\t"
#define OPERANDS                                                                                                       \
    : : [in] "r"(in), [out] "r"(out), [place] "r"(place), [how] "r"((int)how)                                          \
    : "rax", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",        \
      "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

#define EIGHT(op, form, a, b, c, d, e, f, g, h)                                                                        \
    op(form, a) op(form, b) op(form, c) op(form, d) op(form, e) op(form, f) op(form, g) op(form, h)
#define LOW_16(op, form) EIGHT(op, form, 0, 1, 2, 3, 4, 5, 6, 7) EIGHT(op, form, 8, 9, 10, 11, 12, 13, 14, 15)
#define HIGH_16(op, form)                                                                                              \
    EIGHT(op, form, 16, 17, 18, 19, 20, 21, 22, 23) EIGHT(op, form, 24, 25, 26, 27, 28, 29, 30, 31)
#define LOAD_SSE(form, n)  "movups 64*" #n "(%[in]), %%xmm" #n "\n\t"
#define SAVE_SSE(form, n)  "movups %%xmm" #n ", 64*" #n "(%[out])\n\t"
#define LOAD_AVX(form, n)  "vmovups 64*" #n "(%[in]), %%" form #n "\n\t"
#define SAVE_AVX(form, n)  "vmovups %%" form #n ", 64*" #n "(%[out])\n\t"
#define LOAD_MASK(form, n) "kmovq 2048+8*" #n "(%[in]), %%k" #n "\n\t"
#define SAVE_MASK(form, n) "kmovq %%k" #n ", 2048+8*" #n "(%[out])\n\t"

__attribute__((noinline)) static void access_sse(const struct registers *in, struct registers *out, void *place,
                                                 enum access how)
{
    __asm__ volatile(LOW_16(LOAD_SSE, "") ACCESS LOW_16(SAVE_SSE, "") OPERANDS);
}

__attribute__((noinline)) static void access_avx(const struct registers *in, struct registers *out, void *place,
                                                 enum access how)
{
    __asm__ volatile(LOW_16(LOAD_AVX, "ymm") ACCESS LOW_16(SAVE_AVX, "ymm") "vzeroupper\n\t" OPERANDS);
}

__attribute__((noinline)) static void access_avx512(const struct registers *in, struct registers *out, void *place,
                                                    enum access how)
{
    __asm__ volatile(LOW_16(LOAD_AVX, "zmm") HIGH_16(LOAD_AVX, "zmm") EIGHT(LOAD_MASK, "", 0, 1, 2, 3, 4, 5, 6, 7)
                         ACCESS LOW_16(SAVE_AVX, "zmm") HIGH_16(SAVE_AVX, "zmm")
                             EIGHT(SAVE_MASK, "", 0, 1, 2, 3, 4, 5, 6, 7) "vzeroupper\n\t" OPERANDS);
}

/* ---- comparing ----------------------------------------------------------------------------------------------------- */

struct level {
    void (*access)(const struct registers *in, struct registers *out, void *place, enum access how);
    size_t vectors, vector_size, masks;
};

static struct level level;
static int failures;

static void choose_level(void)
{
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
        level = (struct level){access_avx512, 32, 64, 8};
    else if (__builtin_cpu_supports("avx"))
        level = (struct level){access_avx, 16, 32, 0};
    else
        level = (struct level){access_sse, 16, 16, 0};
}

static void look(const char *path, void *place, enum access how)
{
    static _Thread_local struct registers in, out;
    for (size_t i = 0; i < sizeof in.vector; i++)
        in.vector[i / 64][i % 64] = (uint8_t)(i * 37 + (size_t)how * 11 + 1);
    for (size_t i = 0; i < 8; i++)
        in.mask[i] = UINT64_C(0x123456789abcdef) * (i + 3);
    in.mxcsr = 0x9fc0; /* flush to zero: not the default */
    memset(&out, 0, sizeof out);
    level.access(&in, &out, place, how);
    const uint32_t usual = 0x1f80;
    __asm__ volatile("ldmxcsr %0" : : "m"(usual));
    for (size_t i = 0; i < level.vectors; i++)
        if (memcmp(in.vector[i], out.vector[i], level.vector_size) != 0)
            failures++, printf("%s, access %d: vector register %zu has changed\n", path, (int)how, i);
    for (size_t i = 0; i < level.masks; i++)
        if (in.mask[i] != out.mask[i])
            failures++, printf("%s, access %d: mask register %zu has changed\n", path, (int)how, i);
    if (in.mxcsr != out.mxcsr)
        failures++, printf("%s, access %d: MXCSR has changed\n", path, (int)how);
}

/* ---- what the detector does ------------------------------------------------------------------------------------------ */

static uint64_t fresh[ACCESSES][512], mixed[64], racy;

/* A stack that no access was made from before. */
__attribute__((noinline)) static void look_deep(unsigned depth)
{
    if (depth > 0)
        look_deep(depth - 1);
    else
        look("new callers", &fresh[STORE_8][200], STORE_8);
    __asm__ volatile("" : : : "memory"); /* no tail call */
}

static void look_alone(void)
{
    for (int how = 0; how < ACCESSES; how++) {
        look("first touch", fresh[how], (enum access)how);
        look("second touch", fresh[how], (enum access)how);
        look("own chunk", &fresh[how][2], (enum access)how);
    }
    for (unsigned depth = 0; depth < 20; depth++)
        look_deep(depth);
}

/* Both threads use one chunk: words of their own, and an atomic. */
static void look_together(unsigned number)
{
    for (unsigned round = 0; round < 200; round++) {
        look("shared chunk", &mixed[4 + number * 2], round % 2 == 0 ? STORE_8 : STORE_16);
        look("shared atomic", &mixed[0], round % 2 == 0 ? ADD_ATOMICALLY : EXCHANGE);
        look("atomic's plain load", &mixed[0], LOAD_8);
    }
}

static void *second(void *ready)
{
    pthread_barrier_wait(ready);
    usleep(200000); /* orders nothing: the race is found here */
    look("race", &racy, STORE_8);
    look_together(1);
    return NULL;
}

int main(void)
{
    static pthread_barrier_t ready;
    pthread_t thread;
    choose_level();
    look_alone();
    pthread_barrier_init(&ready, NULL, 2);
    if (pthread_create(&thread, NULL, second, &ready) != 0)
        return EXIT_FAILURE;
    pthread_barrier_wait(&ready);
    look_together(0);
    racy = 1;
    pthread_join(thread, NULL);
    if (failures == 0)
        puts("vector registers kept");
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
