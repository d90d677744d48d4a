/* test_interning.c: each distinct thing is kept once, numbers have no gaps, and nothing is lost when memory is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "preload/arena.h"
#include "preload/interning.h"

struct number_item {
    struct interned interned;
    uint64_t value;
};

static bool is_that_number(const struct interned *item, const void *key)
{
    return ((const struct number_item *)item)->value == *(const uint64_t *)key;
}

static bool out_of_memory;

static struct interned *make_number(const void *key)
{
    struct number_item *item = out_of_memory ? NULL : arena_alloc(sizeof *item);
    if (item == NULL)
        return NULL;
    item->value = *(const uint64_t *)key;
    return &item->interned;
}

static const struct interned *intern_number(struct interning *table, uint64_t hash, uint64_t value)
{
    return interning_find_or_add(table, hash, &value);
}

static void numbers_count_from_one_and_stay(void **state)
{
    (void)state;
    static struct interning table = {.equal = is_that_number, .make = make_number};
    enum { ITEMS = 20000 }; /* several segments, and buckets that grow */
    assert_null(interning_get(&table, 1));
    for (uint64_t round = 0; round < 2; round++)
        for (uint64_t i = 0; i < ITEMS; i++)
            assert_int_equal(intern_number(&table, i * UINT64_C(0x9E3779B97F4A7C15), i)->number, i + 1);
    assert_int_equal(interning_count(&table), ITEMS);
    for (uint64_t i = 0; i < ITEMS; i++)
        assert_int_equal(((const struct number_item *)interning_get(&table, i + 1))->value, i);
    assert_null(interning_get(&table, 0));
    assert_null(interning_get(&table, ITEMS + 1));
    assert_null(interning_get(&table, UINTPTR_MAX));
}

static void equal_hashes_are_told_apart(void **state)
{
    (void)state;
    static struct interning table = {.equal = is_that_number, .make = make_number};
    const struct interned *one = intern_number(&table, 7, 1), *two = intern_number(&table, 7, 2);
    assert_ptr_not_equal(one, two);
    assert_ptr_equal(intern_number(&table, 7, 1), one);
    assert_ptr_equal(intern_number(&table, 7, 2), two);
}

static void what_cannot_be_made_leaves_no_gap(void **state)
{
    (void)state;
    static struct interning table = {.equal = is_that_number, .make = make_number};
    out_of_memory = true;
    assert_null(intern_number(&table, 1, 1));
    out_of_memory = false;
    assert_int_equal(interning_count(&table), 0);
    assert_int_equal(intern_number(&table, 1, 1)->number, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_count_from_one_and_stay),
        cmocka_unit_test(equal_hashes_are_told_apart),
        cmocka_unit_test(what_cannot_be_made_leaves_no_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
