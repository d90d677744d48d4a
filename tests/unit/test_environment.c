/* Our variables leave the environment, in place, and nothing else changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "preload/environment.h"

enum { ENTRIES = 8, ENTRY_SIZE = 256 };

/* Writable copies, as the kernel lays them out. */
struct variables {
    char text[ENTRIES][ENTRY_SIZE];
    char *envp[ENTRIES + 1];
};

static void fill(struct variables *variables, const char *const *entries)
{
    size_t count = 0;
    for (; entries[count] != NULL; count++) {
        strncpy(variables->text[count], entries[count], ENTRY_SIZE - 1);
        variables->envp[count] = variables->text[count];
    }
    variables->envp[count] = NULL;
}

static void expect(const char *const *before, const char *const *after)
{
    struct variables variables = {0};
    fill(&variables, before);
    environment_forget_us(variables.envp);
    size_t i = 0;
    for (; after[i] != NULL; i++)
        assert_string_equal(variables.envp[i], after[i]);
    assert_null(variables.envp[i]);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void our_variables_go_and_the_order_stays(void **state)
{
    (void)state;
    expect(LIST("A=1", "LD_PRELOAD=/usr/lib/liblockhound.so", "B=2", "LOCKHOUND_OPTIONS=quiet=yes", "C=3"),
           LIST("A=1", "B=2", "C=3"));
}

static void other_preloads_stay(void **state)
{
    (void)state;
    expect(LIST("LD_PRELOAD=/a/b.so:/x/liblockhound.so:c.so"), LIST("LD_PRELOAD=/a/b.so:c.so"));
    expect(LIST("LD_PRELOAD=liblockhound.so c.so"), LIST("LD_PRELOAD=c.so"));
    expect(LIST("LD_PRELOAD= ./liblockhound.so.0.1 : c.so :d.so"), LIST("LD_PRELOAD=c.so:d.so"));
}

static void names_that_only_resemble_ours_stay(void **state)
{
    (void)state;
    expect(LIST("LD_PRELOAD=/liblockhound.so/other.so"), LIST("LD_PRELOAD=/liblockhound.so/other.so"));
    expect(LIST("LD_PRELOAD=myliblockhound.so"), LIST("LD_PRELOAD=myliblockhound.so"));
    expect(LIST("LD_PRELOADED=liblockhound.so", "LOCKHOUND_OPTIONS_=1"),
           LIST("LD_PRELOADED=liblockhound.so", "LOCKHOUND_OPTIONS_=1"));
}

static void an_environment_without_us_is_not_touched(void **state)
{
    (void)state;
    expect(LIST("PATH=/bin", "no equals sign"), LIST("PATH=/bin", "no equals sign"));
}

static void a_name_matches_as_a_whole(void **state)
{
    (void)state;
    assert_true(environment_is("HOME=/", "HOME"));
    assert_true(environment_is("HOME=", "HOME"));
    assert_false(environment_is("HOME", "HOME"));
    assert_false(environment_is("HOMER=/", "HOME"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_variables_go_and_the_order_stays),
        cmocka_unit_test(other_preloads_stay),
        cmocka_unit_test(names_that_only_resemble_ours_stay),
        cmocka_unit_test(an_environment_without_us_is_not_touched),
        cmocka_unit_test(a_name_matches_as_a_whole),
    };
    return cmocka_run_group_tests_name("environment", tests, NULL, NULL);
}
