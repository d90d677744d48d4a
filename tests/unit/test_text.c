/* Text and the arena it grows in: contents, escapes, alignment, reuse, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "preload/arena.h"
#include "preload/text.h"

static void numbers_and_strings_are_appended(void **state)
{
    (void)state;
    struct text text = {0};
    text_string(&text, "n=");
    text_number(&text, 0);
    text_string(&text, ",");
    text_number(&text, UINT64_MAX);
    text_string(&text, ",");
    text_hexadecimal(&text, 0xdeadbeef);
    assert_string_equal(text.at, "n=0,18446744073709551615,0xdeadbeef");
    text_release(&text);
}

static void json_strings_escape_what_is_not_plain(void **state)
{
    (void)state;
    struct text text = {0};
    text_json_bytes(&text, "a\"b\\c\n\xff", 7);
    assert_string_equal(text.at, "\"a\\u0022b\\u005cc\\u000a\\u00ff\"");
    text_release(&text);
}

static void text_grows_past_its_first_buffer(void **state)
{
    (void)state;
    struct text text = {0};
    for (int i = 0; i < 100000; i++)
        text_append(&text, "x", 1);
    assert_false(text.failed);
    assert_int_equal(text.length, 100000);
    assert_int_equal(strlen(text.at), 100000);
    text_release(&text);
}

static void memory_is_zeroed_aligned_and_counted(void **state)
{
    (void)state;
    size_t before = arena_used();
    for (size_t size = 1; size < 1 << 20; size = size * 3 + 1) {
        unsigned char *memory = arena_alloc(size);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % 64, 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 0xa5, size);
        arena_free(memory, size);
        unsigned char *again = arena_alloc(size);
        assert_int_equal(again[size - 1], 0);
        arena_free(again, size);
    }
    assert_int_equal(arena_used(), before);
}

static void a_spent_limit_refuses_and_recovers(void **state)
{
    (void)state;
    arena_set_limit(arena_used() + 4096);
    void *memory = arena_alloc(4096);
    assert_non_null(memory);
    assert_null(arena_alloc(64));
    struct text text = {0};
    text_string(&text, "lost");
    assert_true(text.failed);
    arena_free(memory, 4096);
    assert_non_null(arena_alloc(64));
    arena_set_limit(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_strings_are_appended),   cmocka_unit_test(json_strings_escape_what_is_not_plain),
        cmocka_unit_test(text_grows_past_its_first_buffer),   cmocka_unit_test(memory_is_zeroed_aligned_and_counted),
        cmocka_unit_test(a_spent_limit_refuses_and_recovers),
    };
    return cmocka_run_group_tests_name("text and arena", tests, NULL, NULL);
}
