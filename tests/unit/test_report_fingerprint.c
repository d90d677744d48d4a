/* test_report_fingerprint.c: what a fingerprint depends on, and what not. */
#include "report_world.h"

#include <string.h>

#include "report/resolve.h"

#define FIRST_PARTY  0
#define SECOND_PARTY 1

/* A resolved inversion of two parties, to be changed before it is fingerprinted. */
struct sample {
    struct run_finding finding;
    struct run_party parties[2];
    struct run_object objects[2];
    struct run_thread threads[2];
    struct run_module module;
    struct symbol_frame frames[2][4];
    struct run_held held[2];
};

static void make_sample(struct sample *s)
{
    static const char *const functions[2][4] = {{"lock_a", "give", "work", "main"},
                                                {"lock_b", "take", "work", "start"}};
    *s = (struct sample){0};
    s->module.path = "/opt/bin/bank";
    for (size_t i = 0; i < 2; i++) {
        s->objects[i] = (struct run_object){.id = (uint32_t)i + 1, .kind = "mutex", .stable = i ? "b" : "a"};
        s->threads[i] = (struct run_thread){.id = (uint32_t)i + 1, .name = "t"};
        for (size_t k = 0; k < 4; k++) {
            s->frames[i][k] =
                (struct symbol_frame){.name = functions[i][k], .module = &s->module, .offset = 16 * k, .line = 9};
        }
        struct run_stack stack = {.symbols = s->frames[i], .symbol_count = 4, .user_end = 4};
        s->held[i] = (struct run_held){.object = &s->objects[1 - i], .stack = stack};
        s->parties[i] = (struct run_party){.role = "requests",
                                           .thread = &s->threads[i],
                                           .object = &s->objects[i],
                                           .stack = stack,
                                           .held = &s->held[i],
                                           .held_count = 1};
    }
    s->finding =
        (struct run_finding){.kind = "lock-order-inversion", .form = "", .parties = s->parties, .party_count = 2};
}

static const char *fingerprint(struct sample *s)
{
    finding_fingerprint(&s->finding);
    return s->finding.fingerprint;
}

static const char *usual(void)
{
    static struct sample s;
    make_sample(&s);
    return fingerprint(&s);
}

static void order_of_parties_is_chance(void **state)
{
    struct sample s;
    (void)state;
    make_sample(&s);
    struct run_party first = s.parties[FIRST_PARTY];
    s.parties[FIRST_PARTY] = s.parties[SECOND_PARTY];
    s.parties[SECOND_PARTY] = first;
    assert_string_equal(fingerprint(&s), usual());
}

static void lines_addresses_and_thread_names_are_chance(void **state)
{
    struct sample s;
    (void)state;
    make_sample(&s);
    s.frames[0][0].line = 900;
    s.frames[0][0].offset = 4096;
    s.objects[0].address = 0x7fff0000;
    s.threads[0].name = "other";
    s.module.path = "/srv/bank";
    assert_string_equal(fingerprint(&s), usual());
}

static void callers_beyond_the_third_are_circumstance(void **state)
{
    struct sample s;
    (void)state;
    make_sample(&s);
    s.frames[0][3].name = "test_main";
    assert_string_equal(fingerprint(&s), usual());
}

static void locks_held_by_the_way_are_circumstance(void **state)
{
    struct sample s;
    struct run_object other = {.id = 9, .kind = "mutex", .stable = "other"};
    (void)state;
    make_sample(&s);
    struct run_held held[2] = {s.held[0], {.object = &other}};
    s.parties[0].held = held;
    s.parties[0].held_count = 2;
    assert_string_equal(fingerprint(&s), usual());
}

static void kind_function_and_lock_make_another_finding(void **state)
{
    struct sample s;
    (void)state;
    make_sample(&s);
    s.finding.kind = "deadlock";
    assert_string_not_equal(fingerprint(&s), usual());
    make_sample(&s);
    s.frames[1][1].name = "steal";
    assert_string_not_equal(fingerprint(&s), usual());
    make_sample(&s);
    s.objects[1].stable = "c";
    assert_string_not_equal(fingerprint(&s), usual());
}

static void stripped_frames_count_by_their_offset(void **state)
{
    struct sample s;
    char first[17];
    (void)state;
    make_sample(&s);
    s.frames[0][0].name = NULL;
    memcpy(first, fingerprint(&s), sizeof first);
    s.frames[0][0].offset += 4;
    assert_string_not_equal(fingerprint(&s), first);
}

static void circle_is_the_same_before_and_when_it_hangs(void **state)
{
    struct sample s;
    char before[17];
    (void)state;
    make_sample(&s);
    (void)fingerprint(&s);
    memcpy(before, s.finding.circle, sizeof before);
    s.finding.kind = "deadlock";
    s.finding.form = "cycle";
    s.parties[FIRST_PARTY].role = s.parties[SECOND_PARTY].role = "waits";
    (void)fingerprint(&s);
    assert_string_equal(s.finding.circle, before);
    s.frames[1][0].name = "elsewhere";
    (void)fingerprint(&s);
    assert_string_not_equal(s.finding.circle, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_of_parties_is_chance),
        cmocka_unit_test(lines_addresses_and_thread_names_are_chance),
        cmocka_unit_test(callers_beyond_the_third_are_circumstance),
        cmocka_unit_test(locks_held_by_the_way_are_circumstance),
        cmocka_unit_test(kind_function_and_lock_make_another_finding),
        cmocka_unit_test(stripped_frames_count_by_their_offset),
        cmocka_unit_test(circle_is_the_same_before_and_when_it_hangs),
    };
    return cmocka_run_group_tests_name("report_fingerprint", tests, NULL, NULL);
}
