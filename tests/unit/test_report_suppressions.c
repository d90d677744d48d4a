/* test_report_suppressions.c: patterns, the three spellings of rules, and their mistakes. */
#include "report_world.h"

#include <string.h>

#include "report/pattern.h"
#include "report/suppressions.h"

static void glob_matches_whole_names(void **state)
{
    (void)state;
    assert_true(pattern_glob("pool_*", "pool_grow"));
    assert_true(pattern_glob("*", ""));
    assert_true(pattern_glob("a?c*e", "abcde"));
    assert_true(pattern_glob("*a*b", "xaxaxb"));
    assert_false(pattern_glob("pool", "pool_grow"));
    assert_false(pattern_glob("a?c", "ac"));
    assert_false(pattern_glob("*b", "ba"));
}

static void glob_of_many_stars_is_quick(void **state)
{
    char text[4001];
    (void)state;
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_false(pattern_glob("*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
}

static void within_matches_parts_unless_tied(void **state)
{
    (void)state;
    assert_true(pattern_within("row", "pool_grow"));
    assert_true(pattern_within("p*w", "pool_grow"));
    assert_true(pattern_within("^pool", "pool_grow"));
    assert_true(pattern_within("grow$", "pool_grow"));
    assert_true(pattern_within("g*w$", "agrowgrow"));
    assert_false(pattern_within("^grow", "pool_grow"));
    assert_false(pattern_within("pool$", "pool_grow"));
    assert_false(pattern_within("^pool$", "pool_grow"));
    assert_false(pattern_within("x", ""));
}

/* Returns: whether `rules` suppress a finding of `kind` in `function` called by main. */
static bool suppresses(const char *rules, const char *kind, const char *function)
{
    struct world_file file;
    struct run run = {0};
    struct suppressions s = {0};
    struct buffer errors = {0};
    struct run_reader reader;
    struct intake intake = {.symbols = symbols_new(), .rules = &s};
    assert_true(suppressions_parse(&s, "rules", rules, strlen(rules), &errors));
    world_file_open(&file);
    world_file_append(&file, WORLD_PROCESS);
    world_file_append_finding(&file, kind, function);
    assert_int_equal(run_reader_open(&reader, file.path, &run, intake_take, &intake), 0);
    run_reader_poll(&reader);
    run_reader_close(&reader);
    assert_int_equal(run.suppressed + run.finding_count, 1);
    bool was_suppressed = run.suppressed == 1;
    world_file_close(&file);
    symbols_free(intake.symbols);
    suppressions_free(&s);
    run_free(&run);
    return was_suppressed;
}

static void kinds_of_other_tools_mean_ours(void **state)
{
    (void)state;
    assert_true(suppresses("deadlock:grow", "lock-order-inversion", "pool_grow"));
    assert_true(suppresses("deadlock:grow", "deadlock", "pool_grow"));
    assert_true(suppresses("mutex:grow", "unlock-not-locked", "pool_grow"));
    assert_false(suppresses("mutex:grow", "deadlock", "pool_grow"));
    assert_false(suppresses("race:grow", "deadlock", "pool_grow"));
    assert_true(suppresses("{\nn\ndrd:MutexErr\nfun:pool_*\n}", "unlock-not-locked", "pool_grow"));
    assert_true(suppresses("{\nn\nHelgrind:UnlockForeign\nfun:*_WRK\nfun:pool_grow\nfun:main\n}", "unlock-not-owned",
                           "pool_grow"));
    assert_false(suppresses("{\nn\nHelgrind:UnlockForeign\nfun:main\n}", "unlock-not-owned", "pool_grow"));
}

static void gap_in_valgrinds_form_takes_any_frames(void **state)
{
    (void)state;
    assert_true(suppresses("{\nn\nHelgrind:Misc\n...\nfun:main\n}", "join-self", "f"));
    assert_true(suppresses("{\nn\nHelgrind:Misc\nfun:f\n...\n}", "join-self", "f"));
    assert_false(suppresses("{\nn\nHelgrind:Misc\n...\nfun:g\n...\n}", "join-self", "f"));
}

static void top_and_file_and_order_matter(void **state)
{
    (void)state;
    assert_true(suppresses("join-self@top:f", "join-self", "f"));
    assert_false(suppresses("join-self@top:main", "join-self", "f"));
    assert_true(suppresses("join-self@any:main", "join-self", "f"));
    assert_true(suppresses("[b]\nfile: shop.c\nframe: f\nframe: main", "join-self", "f"));
    assert_false(suppresses("[b]\nframe: main\nframe: f", "join-self", "f"));
    assert_true(suppresses("[b]\nobject: mutex#1\n\n# next\n", "join-self", "f"));
}

static void unused_rules_are_reviewed(void **state)
{
    struct suppressions s = {0};
    struct buffer errors = {0}, review = {0};
    const char rules[] = "deadlock:x\nrace:y\n*:*\n";
    (void)state;
    assert_true(suppressions_parse(&s, "f", rules, sizeof rules - 1, &errors));
    suppressions_review(&s, &review);
    assert_non_null(strstr(review.data, "f:1: suppression 'deadlock:x' matched nothing"));
    assert_null(strstr(review.data, "f:2:"));
    assert_non_null(strstr(review.data, "f:3: suppression '*:*' matches everything"));
    buffer_free(&review);
    suppressions_free(&s);
}

static void compiled_in_rules_are_sound_and_never_unused(void **state)
{
    struct suppressions s = {0};
    struct buffer errors = {0}, review = {0};
    (void)state;
    assert_true(suppressions_parse(&s, "f", suppressions_defaults(), strlen(suppressions_defaults()), &errors));
    suppressions_free(&s);
    suppressions_add_defaults(&s);
    assert_non_null(s.rules);
    suppressions_review(&s, &review);
    assert_int_equal(review.length, 0);
    buffer_free(&review);
    suppressions_free(&s);
}

static void mistakes_name_their_line(void **state)
{
    struct suppressions s = {0};
    struct buffer errors = {0};
    const char rules[] = "deadlock:x\n\nnonsense\n{\na\nb\n}\n[\n";
    (void)state;
    assert_false(suppressions_parse(&s, "f", rules, sizeof rules - 1, &errors));
    assert_non_null(strstr(errors.data, "f:3: expected kind:pattern"));
    assert_non_null(strstr(errors.data, "f:6: expected tool:kind"));
    assert_non_null(strstr(errors.data, "f:8: the name of the block"));
    buffer_free(&errors);
    suppressions_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(glob_matches_whole_names),
        cmocka_unit_test(glob_of_many_stars_is_quick),
        cmocka_unit_test(within_matches_parts_unless_tied),
        cmocka_unit_test(kinds_of_other_tools_mean_ours),
        cmocka_unit_test(gap_in_valgrinds_form_takes_any_frames),
        cmocka_unit_test(top_and_file_and_order_matter),
        cmocka_unit_test(unused_rules_are_reviewed),
        cmocka_unit_test(compiled_in_rules_are_sound_and_never_unused),
        cmocka_unit_test(mistakes_name_their_line),
    };
    return cmocka_run_group_tests_name("report_suppressions", tests, NULL, NULL);
}
