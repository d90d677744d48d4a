/* Long rows of bytes against the same done byte by byte, at any place and length; and vector registers stay as they were. */
#include "detector/bytes_wide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "detector/bytes.h"

enum { ROW = 1024, ROUNDS = 20000, BLOCK = BYTES_WIDE_BLOCK };

static uint8_t row[ROW + BLOCK], expected[ROW + BLOCK];

/* Bytes of few values, so that there are rows of equal ones. */
static void fill(void)
{
    uint8_t values[3] = {(uint8_t)rand(), (uint8_t)rand(), (uint8_t)rand()};
    int rare = 1 + rand() % 300;
    for (size_t i = 0; i < sizeof row; i++)
        row[i] = values[rand() % rare == 0 ? 1 + rand() % 2 : 0];
    memcpy(expected, row, sizeof row);
}

static size_t some_blocks(void)
{
    return (size_t)(rand() % (ROW / BLOCK + 1)) * BLOCK;
}

static size_t some_place(size_t count)
{
    return (size_t)rand() % (sizeof row - count);
}

static size_t same_bytewise(const uint8_t *at, size_t count, uint8_t pattern, uint8_t mask)
{
    size_t i = 0;
    while (i < count && ((at[i] ^ pattern) & mask) == 0)
        i++;
    return i == count ? count / BLOCK * BLOCK : i / BLOCK * BLOCK;
}

static void as_many_are_the_same_as_byte_by_byte(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        fill();
        size_t count = (size_t)(rand() % (ROW + 1)), place = some_place(count);
        uint8_t pattern = row[place], mask = rand() % 2 == 0 ? 0xff : 0xfe;
        assert_int_equal(bytes_wide_same(row + place, count, BYTES_EACH(pattern), BYTES_EACH(mask)),
                         same_bytewise(row + place, count, pattern, mask));
        assert_memory_equal(row, expected, sizeof row);
    }
}

static void tags_are_lowered_but_for_those_that_are_equal(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        fill();
        size_t count = some_blocks(), place = some_place(count);
        uint8_t tag = (uint8_t)(row[place] | 1);
        for (size_t i = place; i < place + count; i++)
            expected[i] = expected[i] == tag ? tag : tag - 1;
        bytes_wide_lower(row + place, count, tag);
        assert_memory_equal(row, expected, sizeof row);
    }
}

static void the_highest_is_found_wherever_it_is(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        fill();
        size_t count = some_blocks(), place = some_place(count);
        uint8_t highest = 0;
        for (size_t i = place; i < place + count; i++)
            highest = row[i] > highest ? row[i] : highest;
        assert_int_equal(bytes_wide_highest(row + place, count), highest);
    }
}

/* All 128 bits of the registers that are used, and of one that is not. */
struct registers {
    _Alignas(16) uint8_t xmm[5][16];
};

#define WITH_REGISTERS(call)                                                                                           \
    do {                                                                                                               \
        struct registers before, after;                                                                                \
        for (size_t i = 0; i < sizeof before.xmm; i++)                                                                 \
            ((uint8_t *)before.xmm)[i] = (uint8_t)rand();                                                              \
        __asm__ volatile("movups (%0), %%xmm0\n\tmovups 16(%0), %%xmm1\n\tmovups 32(%0), %%xmm2\n\t"                   \
                         "movups 48(%0), %%xmm3\n\tmovups 64(%0), %%xmm4"                                              \
                         :                                                                                             \
                         : "r"(&before)                                                                                \
                         : "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4");                                          \
        (void)call;                                                                                                    \
        __asm__ volatile("movups %%xmm0, (%0)\n\tmovups %%xmm1, 16(%0)\n\tmovups %%xmm2, 32(%0)\n\t"                   \
                         "movups %%xmm3, 48(%0)\n\tmovups %%xmm4, 64(%0)"                                              \
                         :                                                                                             \
                         : "r"(&after)                                                                                 \
                         : "memory");                                                                                  \
        assert_memory_equal(&before, &after, sizeof before);                                                           \
    } while (0)

static void registers_are_given_back(void **state)
{
    (void)state;
    for (int round = 0; round < 100; round++) {
        fill();
        size_t count = some_blocks();
        WITH_REGISTERS(bytes_wide_same(row, count, BYTES_EACH(row[0]), UINT64_MAX));
        WITH_REGISTERS((bytes_wide_lower(row, count, 5), 0));
        WITH_REGISTERS(bytes_wide_highest(row, count));
    }
}

int main(void)
{
    srand(3);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_are_the_same_as_byte_by_byte),
        cmocka_unit_test(tags_are_lowered_but_for_those_that_are_equal),
        cmocka_unit_test(the_highest_is_found_wherever_it_is),
        cmocka_unit_test(registers_are_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
