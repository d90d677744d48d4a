/* shapes.c: shapes that code has: string instructions, x87, vectors, jump tables, computed jumps, assembly without call-frame
 * information, constants among the code, functions that are chosen at start.  It is compiled in many ways; each must print the
 * same as alone.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 3, ROUNDS = 40, CELLS = 1024 };

struct row {
    long longs[CELLS];
    double doubles[CELLS];
    long double wide[16];
    float floats[CELLS];
    unsigned char bytes[CELLS];
    uint32_t hash;
};

static struct row rows[THREADS];

static void mix(struct row *row, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++)
        row->hash = (row->hash ^ bytes[i]) * 16777619u;
}

/* ---- string instructions -------------------------------------------------------------------------------------------- */

__attribute__((noinline)) static long use_strings(struct row *row, long round)
{
    void *to = row->bytes;
    const void *from = row->longs;
    long count = 100 + round, left;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
    count = 16;
    __asm__ volatile("rep stosq" : "+D"(to), "+c"(count) : "a"(round) : "memory");
    to = row->bytes + 300;
    count = 50;
    __asm__ volatile("std\n\trep stosb\n\tcld" : "+D"(to), "+c"(count) : "a"(round) : "memory");
    to = row->bytes;
    left = CELLS;
    __asm__ volatile("repne scasb" : "+D"(to), "+c"(left) : "a"(round) : "cc", "memory");
    to = row->bytes;
    from = row->longs;
    count = 64;
    __asm__ volatile("repe cmpsb" : "+D"(to), "+S"(from), "+c"(count) : : "cc", "memory");
    count = 0;
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(count) : : "memory"); /* of no length */
    return left * 1000 + (long)((const char *)from - (const char *)row->longs);
}

__attribute__((noinline)) static long use_stack(struct row *row, long round)
{
    long popped;
    __asm__ volatile("subq $128, %%rsp\n\tpushq (%1)\n\tpushq 8(%1)\n\tpopq 16(%1)\n\tpopq %0\n\taddq $128, %%rsp"
                     : "=&r"(popped)
                     : "r"(&row->longs[round % 900])
                     : "memory");
    return popped;
}

/* ---- x87 and vectors ------------------------------------------------------------------------------------------------ */

__attribute__((noinline)) static long use_wide(struct row *row, long round)
{
    for (int i = 1; i < 16; i++) {
        row->wide[i] = row->wide[i - 1] / 3 + (long double)(round + i) * 1.5L;
        row->wide[i - 1] += row->doubles[i] - row->floats[i];
    }
    return (long)row->wide[7];
}

/* Gathers and masks, where the compiler makes such of it. */
__attribute__((noinline)) static long use_vectors(struct row *row, long round)
{
    long sum = 0;
    for (int i = 0; i < CELLS; i++) {
        row->doubles[i] = row->doubles[i] * 0.5 + row->floats[(i * 7) % CELLS];
        if (row->bytes[i] > 40)
            row->floats[i] += (float)row->doubles[row->bytes[i]];
        if (row->longs[i] & 1)
            sum += row->longs[row->longs[i] & (CELLS - 1)];
    }
    for (int i = 0; i < CELLS; i++)
        row->longs[i] += row->longs[i] * 3 + i + round;
    return sum;
}

/* ---- jumps ---------------------------------------------------------------------------------------------------------- */

__attribute__((noinline)) static long use_switch(struct row *row, long round)
{
    long value = round;
    for (int i = 0; i < 200; i++) {
        switch (row->bytes[i] % 13) {
        case 0:
            value += row->longs[i];
            break;
        case 1:
            value ^= row->longs[i + 1];
            break;
        case 2:
            row->longs[i] -= value;
            break;
        case 3:
            row->bytes[i + 1]++;
            break;
        case 4:
            value *= 3;
            break;
        case 5:
            row->longs[i] = value;
            break;
        case 6:
            value -= row->bytes[i + 2];
            break;
        case 7:
            value = ~value;
            break;
        case 8:
            row->floats[i]++;
            break;
        case 9:
            value >>= 1;
            break;
        case 10:
            row->longs[2 * i] ^= value;
            break;
        case 11:
            value += 11;
            break;
        default:
            row->bytes[i]--;
            break;
        }
    }
    return value;
}

/* As interpreters do; each arm ends in a jump of its own. */
__attribute__((noinline)) static long use_labels(struct row *row, long round)
{
    static const void *const labels[] = {&&add, &&store, &&halve, &&turn, &&skip, &&end};
    long value = round, at = 0;
#define NEXT goto *labels[at >= 300 ? 5 : row->bytes[at++] % 5]
    NEXT;
add:
    value += row->longs[at];
    NEXT;
store:
    row->longs[at + 1] = value;
    NEXT;
halve:
    value /= 2;
    row->bytes[at]++;
    NEXT;
turn:
    value = -value;
    NEXT;
skip:
    at++;
    NEXT;
end:
    return value;
}

typedef long step(struct row *, long);

__attribute__((noinline)) static long call_next(struct row *row, long round, step *const *steps)
{
    row->longs[1] += round;
    return (*steps)(row, round); /* a jump, where calls in the last place become such */
}

__attribute__((noinline, cold)) static long seldom(struct row *row, long round)
{
    row->longs[3] -= round;
    return round;
}

/* Hot and cold halves, of which the one may stand far away. */
__attribute__((noinline)) static long use_halves(struct row *row, long round)
{
    long value = 0;
    for (int i = 0; i < 100; i++) {
        if (__builtin_expect(row->bytes[i] == (unsigned char)round, 0)) {
            value += seldom(row, i);
            row->bytes[i] = 0;
            if (value == 12345678)
                abort();
        }
        value += row->bytes[i];
    }
    return value;
}

/* ---- chosen at start ------------------------------------------------------------------------------------------------ */

static long one_way(struct row *row, long round)
{
    return row->longs[5] += round;
}

static step *choose(void)
{
    return one_way;
}
long chosen(struct row *row, long round) __attribute__((ifunc("choose")));

/* ---- assembly ------------------------------------------------------------------------------------------------------- */

/* No call-frame information, constants between its instructions, and a neighbour that is jumped into. */
long bare(long *cells, long value);
__asm__(".text\n.globl bare\n.type bare,@function\nbare:\n\t"
        "movq (%rdi), %rax\n\tjmp 2f\n"
        "1:\t.quad 0x1122334455667788, 0xc3c3c3c3c3c3c3c3\n"
        "2:\taddq 1b(%rip), %rax\n\tmovq %rax, (%rdi)\n\taddq %rsi, %rax\n\tjmp bare_tail\n"
        ".size bare,.-bare\n"
        ".type bare_tail,@function\nbare_tail:\n\tmovq %rax, 8(%rdi)\n\tret\n.size bare_tail,.-bare_tail\n");

/* With it, but its first instruction is shorter than a jump, and a loop goes back to the second. */
long tight(long *cells, long count);
__asm__(".text\n.globl tight\n.type tight,@function\ntight:\n.cfi_startproc\n\t"
        "xorl %eax, %eax\n"
        "1:\taddq (%rdi), %rax\n\tincq (%rdi)\n\tdecq %rsi\n\tjne 1b\n\tret\n"
        ".cfi_endproc\n.size tight,.-tight\n");

__attribute__((noinline)) static long use_assembly(struct row *row, long round)
{
    return bare(row->longs + 20, round) + tight(row->longs + 30, 5 + round);
}

/* ---- many arguments, large values, variable frames ------------------------------------------------------------------ */

struct large {
    long words[9];
};

__attribute__((noinline)) static struct large turn(struct large given, long a, long b, long c, long d, long e, long f,
                                                   long g)
{
    for (int i = 0; i < 9; i++)
        given.words[i] = given.words[8 - i] + a * b - c + d * e - f + g;
    return given;
}

__attribute__((noinline)) static long use_frames(struct row *row, long round)
{
    struct large large;
    long variable[round % 7 + 3];
    memcpy(large.words, row->longs, sizeof large.words);
    for (long i = 0; i < round % 7 + 3; i++)
        variable[i] = row->longs[i];
    long *borrowed = __builtin_alloca((size_t)(round % 5 + 1) * sizeof(long));
    borrowed[0] = variable[2];
    large = turn(large, 1, round, 3, variable[1], 5, 6, *borrowed);
    memcpy(row->longs + 40, large.words, sizeof large.words);
    return large.words[4];
}

/* ---- all ------------------------------------------------------------------------------------------------------------ */

static step *const steps[] = {use_strings, use_stack,  use_wide, use_vectors,  use_switch,
                              use_labels,  use_halves, chosen,   use_assembly, use_frames};
enum { STEPS = sizeof steps / sizeof steps[0] };

static void *run(void *memory)
{
    struct row *row = memory;
    for (int i = 0; i < CELLS; i++) {
        row->longs[i] = i * 7919L;
        row->bytes[i] = (unsigned char)(i * 31);
        row->floats[i] = (float)(i % 17) / 4;
        row->doubles[i] = i % 13;
    }
    for (long round = 0; round < ROUNDS; round++)
        for (int i = 0; i < STEPS; i++) {
            long result = call_next(row, round, &steps[i]);
            mix(row, &result, sizeof result);
        }
    mix(row, row->longs, sizeof row->longs);
    mix(row, row->bytes, sizeof row->bytes);
    mix(row, row->doubles, sizeof row->doubles);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, run, &rows[i]) != 0)
            return 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        printf("%d: %08x\n", i, rows[i].hash);
    return 0;
}
