/* test_report_escape.c: no name of a stranger reaches a terminal or a document as anything but text. */
#include "report_world.h"

#include <string.h>

#include "report/demangle.h"
#include "report/escape.h"
#include "report/plain_name.h"

static void assert_escaped(void (*function)(struct buffer *, const char *), const char *bytes, const char *expected)
{
    struct buffer out = {0};
    buffer_string(&out, "");
    function(&out, bytes);
    assert_string_equal(out.data, expected);
    buffer_free(&out);
}

static void valid_text_is_kept(void **state)
{
    (void)state;
    assert_escaped(escape_text, "main", "main");
    assert_escaped(escape_text, "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x95",
                   "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x95");
}

static void controls_are_shown_not_obeyed(void **state)
{
    (void)state;
    assert_escaped(escape_text, "a\033[31m\n\t\x7f", "a\\x1b[31m\\n\\t\\x7f");
    assert_escaped(escape_text, "\xc2\x9b", "\\u{9b}");
    assert_escaped(escape_text, "\xe2\x80\xae", "\\u{202e}");
}

static void invalid_utf8_is_shown_byte_by_byte(void **state)
{
    (void)state;
    assert_escaped(escape_text, "\xff", "\\xff");
    assert_escaped(escape_text, "\xc0\xaf", "\\xc0\\xaf");
    assert_escaped(escape_text, "\xed\xa0\x80", "\\xed\\xa0\\x80");
    assert_escaped(escape_text, "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
    assert_escaped(escape_text, "\xe2\x82", "\\xe2\\x82");
    assert_escaped(escape_utf8, "\n\xff\x7f", "\n\\xff\\x7f");
}

static void markup_is_text(void **state)
{
    (void)state;
    assert_escaped(escape_xml, "<script>\"&'\001", "&lt;script&gt;&quot;&amp;&#39;\\x01");
}

static void assert_readable(const char *mangled, const char *full, const char *name)
{
    struct pool pool = {0};
    const char *readable = demangle(&pool, mangled);
    assert_string_equal(readable, full);
    assert_string_equal(demangle_without_parameters(&pool, readable), name);
    pool_free(&pool);
}

static void cplusplus_names_lose_parameters_and_suffixes(void **state)
{
    (void)state;
    assert_readable("main", "main", "main");
    assert_readable("transfer.isra.0", "transfer", "transfer");
    assert_readable("_ZN4shop4sellERNS_4tillEi", "shop::sell(shop::till&, int)", "shop::sell");
    assert_readable("_ZNK4shop4till4openEv.cold", "shop::till::open() const", "shop::till::open");
    assert_readable("_ZN12_GLOBAL__N_15countE", "(anonymous namespace)::count", "(anonymous namespace)::count");
    assert_readable("_ZN4shop4tillclEi", "shop::till::operator()(int)", "shop::till::operator()");
    assert_readable("_Znot_mangled", "_Znot_mangled", "_Znot_mangled");
}

static void library_names_lose_what_templates_were_made_for(void **state)
{
    (void)state;
    assert_escaped(plain_name_add, "std::vector<int, std::allocator<int> >::push_back", "std::vector::push_back");
    assert_escaped(plain_name_add, "std::__cxx11::basic_string<char>::append", "std::basic_string::append");
    assert_escaped(plain_name_add, "bool std::condition_variable::wait_until<std::chrono::_V2::steady_clock>",
                   "std::condition_variable::wait_until");
    assert_escaped(plain_name_add, "std::basic_ostream<char>& std::operator<< <std::char_traits<char> >",
                   "std::operator<<");
    assert_escaped(plain_name_add, "std::unique_ptr<job>::operator->", "std::unique_ptr::operator->");
    assert_escaped(plain_name_add, "std::uniform_int_distribution<int>::operator()<std::mersenne_twister_engine<int> >",
                   "std::uniform_int_distribution::operator()");
    assert_escaped(plain_name_add, "std::function<void ()>::operator=<job>", "std::function::operator=");
    assert_escaped(plain_name_add, "std::function<void ()>::operator bool", "std::function::operator bool");
    assert_escaped(plain_name_add, "(anonymous namespace)::operators", "(anonymous namespace)::operators");
    assert_escaped(plain_name_add, "<fn(u8) as Trait>::call", "<fn(u8) as Trait>::call");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_text_is_kept),
        cmocka_unit_test(controls_are_shown_not_obeyed),
        cmocka_unit_test(invalid_utf8_is_shown_byte_by_byte),
        cmocka_unit_test(markup_is_text),
        cmocka_unit_test(cplusplus_names_lose_parameters_and_suffixes),
        cmocka_unit_test(library_names_lose_what_templates_were_made_for),
    };
    return cmocka_run_group_tests_name("report_escape", tests, NULL, NULL);
}
