/* test_rust_name.c: names of rustc 1.95 and of the specification, and what is no name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "report/demangle.h"
#include "report/punycode.h"
#include "report/rust_name.h"

static void expect(const char *symbol, const char *readable)
{
    struct pool pool = {0};
    const char *name = demangle(&pool, symbol);
    assert_string_equal(name, readable);
    assert_string_equal(demangle_without_parameters(&pool, name), readable); /* it has none */
    pool_free(&pool);
}

static void expect_no_name(const char *symbol)
{
    struct buffer out = {0};
    assert_false(rust_name_read(symbol, &out));
    assert_int_equal(out.length, 0);
    buffer_free(&out);
}

static void paths_are_as_in_the_source(void **state)
{
    (void)state;
    expect("_RNvCs15kBYyAo9fc_7mycrate7example", "mycrate::example");
    expect("_RNvNtCs1234_7mycrate3foo3bar.llvm.4711", "mycrate::foo::bar");
    expect("_RNCNvC1a4main0", "a::main::{closure#0}");
    expect("_RNCNvC1a4mains_0", "a::main::{closure#1}");
    expect("_RNSNvC1a4main6vtable", "a::main::{shim:vtable#0}");
    expect("_RNvMs0_Cs6xxl1lAjzDf_1aNtB5_4Bank8transfer", "<a::Bank>::transfer");
    expect("_RNvXC1aNtB2_4BankNtB2_2Tr1m", "<a::Bank as a::Tr>::m");
    expect("_RNvYNtC1a4BankNtB4_2Tr1m", "<a::Bank as a::Tr>::m");
    expect("_RNvC1a1_9", "a::9"); /* no name of Rust's, but one that needs the mark behind its length */
}

static void generic_arguments_are_shown(void **state)
{
    (void)state;
    expect("_RINvMNtNtCsgEmfK2I1SDS_4core3fmt2rtNtB3_8Argument9new_debugAhj3_ECs6xxl1lAjzDf_1a",
           "<core::fmt::rt::Argument>::new_debug::<[u8; 3]>");
    expect("_RINvC1a4showTnAINtNtC4core6option6OptiontEj4_QxPdEEB2_",
           "a::show::<(i128, [core::option::Option<u16>; 4], &mut i64, *const f64)>");
    expect("_RINvC1a1fKc27_Kb0_Ka7f_Kan5_KpE", "a::f::<'\\'', false, 127, -5, _>");
    expect("_RINvC1a1fKoffffffffffffffffff_Kj0_E", "a::f::<0xffffffffffffffffff, 0>");
    expect("_RINvC1a1fTEThEThaEzpE", "a::f::<(), (u8,), (u8, i8), !, _>");
    expect("_RINvC1a1fSeOaE", "a::f::<[str], *mut i8>");
}

static void functions_and_objects_are_types(void **state)
{
    (void)state;
    expect("_RNvXC1aFlEhNtB2_2Tr1m", "<fn(i32) -> u8 as a::Tr>::m");
    expect("_RINvC1a1fFUKCOavEuE", "a::f::<unsafe extern \"C\" fn(*mut i8, ...)>");
    expect("_RINvC1a1fFK13system_unwindEuE", "a::f::<extern \"system-unwind\" fn()>");
    expect("_RINvC1a1fFG_RL0_hRhEL0_E", "_RINvC1a1fFG_RL0_hRhEL0_E"); /* a lifetime is no type */
    expect("_RINvC1a1fFG_RL0_hRhEhE", "a::f::<for<'a> fn(&'a u8, &u8) -> u8>");
    expect("_RINvC1a1fDNtC4core4SendEL_E", "a::f::<dyn core::Send>");
    expect("_RINvC1a1fDINtC4core2FnTRhEEp6OutputRhNtBb_4SendEL_E",
           "a::f::<dyn core::Fn<(&u8,), Output = &u8> + core::Send>");
    expect("_RINvC1a1fDNtC4core8Iteratorp4ItemhEL_E", "a::f::<dyn core::Iterator<Item = u8>>");
}

static void names_beyond_ascii_are_decoded(void **state)
{
    (void)state;
    expect("_RNvC1au8gdel_5qa", "a::g\xc3\xb6"
                                "del");
    expect("_RNvC1au6_kwa8f", "_RNvC1au6_kwa8f"); /* ends in the midst of a number */
    struct buffer out = {0};
    assert_true(punycode_decode("ihqwcrb4cv8a8dqg056pqjye", 24, &out)); /* RFC 3492, 7.1 (B) */
    assert_string_equal(out.data, "\xe4\xbb\x96\xe4\xbb\xac\xe4\xb8\xba\xe4\xbb\x80\xe4\xb9\x88\xe4\xb8\x8d"
                                  "\xe8\xaf\xb4\xe4\xb8\xad\xe6\x96\x87");
    buffer_free(&out);
}

static void what_is_no_name_stays(void **state)
{
    (void)state;
    static const char whole[] = "_RINvC1a1fDINtC4core2FnTRhEEp6OutputRhNtBb_4SendEL_E";
    char cut[sizeof whole];
    for (size_t length = 0; length + 1 < sizeof whole; length++) {
        memcpy(cut, whole, length);
        cut[length] = '\0';
        expect_no_name(cut);
    }
    expect_no_name("_R");
    expect_no_name("_R1NvC1a1b");                      /* a later version */
    expect_no_name("_RNvC1a99b");                      /* longer than what is there */
    expect_no_name("_RNvC1a99999999999999999999999b"); /* than any number */
    expect_no_name("_RNvB_1b");                        /* refers to itself */
    expect_no_name("_RNvBzzzz_1b");
    expect_no_name("_RINvC1a1fL1_E"); /* a lifetime that nothing has bound */
    expect_no_name("_RNvC1a1b1c");
    expect_no_name("_ZN1a1bE");
}

/* Each of the types says the one before twice: 2^60 of them. */
static void a_name_cannot_grow_without_bound(void **state)
{
    (void)state;
    struct buffer symbol = {0}, out = {0};
    buffer_string(&symbol, "_RINvC1a1f");
    size_t last = symbol.length - 2;
    buffer_string(&symbol, "TE");
    for (int i = 0; i < 60; i++) {
        size_t begin = symbol.length - 2;
        static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        char reference[8] = {'B'}, *at = reference + 1;
        size_t number = last - 1; /* "0_" is 1 */
        if (number >= 62)
            *at++ = digits[number / 62];
        *at++ = digits[number % 62];
        *at = '_';
        buffer_printf(&symbol, "T%s%sE", reference, reference);
        last = begin;
    }
    buffer_string(&symbol, "E");
    assert_false(rust_name_read(symbol.data, &out));
    buffer_free(&symbol);
    for (int i = 0; i < 100000; i++)
        buffer_string(&symbol, i == 0 ? "_RINvC1a1f" : "R");
    assert_false(rust_name_read(symbol.data, &out));
    buffer_free(&symbol);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_as_in_the_source),      cmocka_unit_test(generic_arguments_are_shown),
        cmocka_unit_test(functions_and_objects_are_types), cmocka_unit_test(names_beyond_ascii_are_decoded),
        cmocka_unit_test(what_is_no_name_stays),           cmocka_unit_test(a_name_cannot_grow_without_bound),
    };
    return cmocka_run_group_tests_name("rust_name", tests, NULL, NULL);
}
