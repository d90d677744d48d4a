#include "preload/weave/blocks.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { BASE = 0x10000, SIZE = 48 };

static void add(uint64_t address, uint64_t size, uint32_t stack)
{
    blocks_add(&(struct block){address, size, {stack}, {1}});
}

static void every_byte_of_a_block_finds_it(void **state)
{
    (void)state;
    struct block found;
    add(BASE, SIZE, 7);
    for (uint64_t i = 0; i < SIZE; i++) {
        assert_true(blocks_find_containing(BASE + i, &found));
        assert_int_equal(found.allocated_at.v, 7);
        assert_int_equal(found.address, BASE);
    }
    assert_false(blocks_find_containing(BASE - 1, &found));
    assert_false(blocks_find_containing(BASE + SIZE, &found));
    blocks_remove(BASE);
}

static void innermost_of_two_is_found(void **state)
{
    (void)state;
    struct block found;
    add(BASE, 4096, 1);
    add(BASE + 1024, SIZE, 2);
    assert_true(blocks_find_containing(BASE + 1024 + 5, &found));
    assert_int_equal(found.allocated_at.v, 2);
    assert_true(blocks_find_containing(BASE + 2048, &found));
    assert_int_equal(found.allocated_at.v, 1);
    blocks_remove(BASE);
    blocks_remove(BASE + 1024);
}

static void removed_block_is_not_found(void **state)
{
    (void)state;
    struct block found;
    add(BASE, SIZE, 1);
    blocks_remove(BASE);
    assert_false(blocks_find_containing(BASE, &found));
    assert_false(blocks_find(BASE, &found));
}

static void freed_block_is_known_until_there_is_another(void **state)
{
    (void)state;
    struct block found;
    add(BASE, SIZE, 5);
    assert_false(blocks_find_freed(BASE, &found));
    blocks_remove(BASE);
    assert_true(blocks_find_freed(BASE, &found));
    assert_int_equal(found.address, BASE);
    assert_int_equal(found.allocated_at.v, 5);
    assert_false(blocks_find_freed(BASE + 16, &found));
    add(BASE, SIZE, 6);
    assert_false(blocks_find_freed(BASE, &found));
    blocks_remove(BASE);
}

static void what_is_found_in_a_crowded_table_is_true(void **state)
{
    (void)state;
    struct block found;
    unsigned kept = 0;
    for (uint32_t i = 1; i <= 1 << 17; i++)
        add((uint64_t)i * SIZE, SIZE, i);
    for (uint32_t i = 1; i <= 1 << 17; i += 997)
        if (blocks_find_containing((uint64_t)i * SIZE + 1, &found)) {
            assert_int_equal(found.allocated_at.v, i);
            kept++;
        }
    assert_true(kept > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_of_a_block_finds_it),
        cmocka_unit_test(innermost_of_two_is_found),
        cmocka_unit_test(removed_block_is_not_found),
        cmocka_unit_test(freed_block_is_known_until_there_is_another),
        cmocka_unit_test(what_is_found_in_a_crowded_table_is_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
