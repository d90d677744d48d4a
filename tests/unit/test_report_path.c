/* test_report_path.c: paths of sources, as compilers write them and as people read them. */
#include "report/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void tidies(const char *path, const char *expected)
{
    char text[64];
    snprintf(text, sizeof text, "%s", path);
    path_tidy(text);
    assert_string_equal(text, expected);
}

static void steps_back_are_taken(void **state)
{
    (void)state;
    tidies("/src/build/../main.c", "/src/main.c");
    tidies("/src/build/lib/../../main.c", "/src/main.c");
    tidies("/src/./lib//main.c", "/src/lib/main.c");
    tidies("/src/lib/..", "/src");
    tidies("/..", "/");
    tidies("/../../main.c", "/main.c");
}

static void the_rest_stays(void **state)
{
    (void)state;
    tidies("/src/main.c", "/src/main.c");
    tidies("/src/..main.c", "/src/..main.c");
    tidies("/src/a.../main.c", "/src/a.../main.c");
    tidies("../main.c", "../main.c");
    tidies("", "");
    tidies("/", "/");
}

static void a_base_is_the_last_component(void **state)
{
    (void)state;
    assert_string_equal(path_base("/src/main.c"), "main.c");
    assert_string_equal(path_base("main.c"), "main.c");
    assert_string_equal(path_base("/src/"), "/src/");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_back_are_taken),
        cmocka_unit_test(the_rest_stays),
        cmocka_unit_test(a_base_is_the_last_component),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
