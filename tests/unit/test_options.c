/* The parser of LOCKHOUND_OPTIONS: what it takes, what it complains of, and that a mistake changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "preload/options.h"

static int complaints;
static char last_word[64];

static void complain(const char *what, const char *word, size_t word_length)
{
    (void)what;
    complaints++;
    assert_true(word_length < sizeof last_word);
    memcpy(last_word, word, word_length);
    last_word[word_length] = '\0';
}

static struct options parse(const char *text)
{
    struct options options;
    options_default(&options);
    complaints = 0;
    options_parse(&options, text, complain);
    return options;
}

static void an_empty_text_gives_the_defaults(void **state)
{
    (void)state;
    struct options options = parse("");
    assert_int_equal(complaints, 0);
    assert_int_equal(options.error_exitcode, 66);
    assert_int_equal(options.on_deadlock, ON_DEADLOCK_AUTO);
    assert_true(options.checks[FINDING_DEADLOCK]);
    assert_false(options.checks[FINDING_COND_SIGNAL_UNLOCKED]);
}

static void every_type_of_value_is_read(void **state)
{
    (void)state;
    struct options options = parse("on-deadlock=abort error-exitcode=7  quiet=yes\toutput=/tmp/run follow-children=no");
    assert_int_equal(complaints, 0);
    assert_int_equal(options.on_deadlock, ON_DEADLOCK_ABORT);
    assert_int_equal(options.error_exitcode, 7);
    assert_true(options.quiet);
    assert_false(options.follow_children);
    assert_string_equal(options.output, "/tmp/run");
}

static void a_quoted_value_may_hold_blanks(void **state)
{
    (void)state;
    assert_string_equal(parse("output='a b' quiet=1").output, "a b");
    assert_string_equal(parse("output=\"it's\"").output, "it's");
    assert_string_equal(parse("output='unclosed").output, "unclosed");
}

static void checks_are_applied_from_left_to_right(void **state)
{
    (void)state;
    struct options options = parse("checks=deadlock,unlock-not-owned");
    assert_true(options.checks[FINDING_DEADLOCK]);
    assert_false(options.checks[FINDING_THREAD_LEAK]);
    options = parse("checks=all,-thread-leak");
    assert_true(options.checks[FINDING_COND_SIGNAL_UNLOCKED]);
    assert_false(options.checks[FINDING_THREAD_LEAK]);
    options = parse("checks=-thread-leak");
    assert_true(options.checks[FINDING_DEADLOCK]);
    assert_false(options.checks[FINDING_THREAD_LEAK]);
    options = parse("checks=none,deadlock");
    assert_true(options.checks[FINDING_DEADLOCK]);
    assert_false(options.checks[FINDING_DOUBLE_INIT]);
}

static void a_mistake_is_named_and_changes_nothing(void **state)
{
    (void)state;
    struct options options = parse("error-exitcode=x quiet=yes");
    assert_int_equal(complaints, 1);
    assert_string_equal(last_word, "error-exitcode");
    assert_int_equal(options.error_exitcode, 66);
    assert_true(options.quiet);
    options = parse("checks=deadlock,dedlock");
    assert_int_equal(complaints, 1);
    assert_true(options.checks[FINDING_THREAD_LEAK]);
    parse("no-such-thing=1");
    assert_string_equal(last_word, "no-such-thing");
    parse("on-deadlock=sometimes");
    assert_int_equal(complaints, 1);
    parse("quiet");
    assert_int_equal(complaints, 1);
}

static void an_overlong_path_is_refused(void **state)
{
    (void)state;
    char text[OPTION_PATH_SIZE + 32] = "output=";
    memset(text + 7, 'x', OPTION_PATH_SIZE);
    struct options options = parse(text);
    assert_int_equal(complaints, 1);
    assert_string_equal(options.output, "");
}

static void numbers_are_kept_in_bounds(void **state)
{
    (void)state;
    assert_int_equal(parse("stack-depth=0").stack_depth, 1);
    assert_int_equal(parse("stack-depth=9999").stack_depth, 64);
    assert_int_equal(parse("error-exitcode=300").error_exitcode, 66); /* 256 would say that all is well */
    assert_int_equal(complaints, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_text_gives_the_defaults),
        cmocka_unit_test(every_type_of_value_is_read),
        cmocka_unit_test(a_quoted_value_may_hold_blanks),
        cmocka_unit_test(checks_are_applied_from_left_to_right),
        cmocka_unit_test(a_mistake_is_named_and_changes_nothing),
        cmocka_unit_test(an_overlong_path_is_refused),
        cmocka_unit_test(numbers_are_kept_in_bounds),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
