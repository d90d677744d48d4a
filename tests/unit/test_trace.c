/* test_trace.c: the reader, the writer and the names of the trace format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "detector/offline/trace_names.h"
#include "detector/trace_read.h"
#include "detector/trace_write.h"
#include "malloc_host.h"

static enum trace_status read_one(const char *text, struct trace_record *record, struct trace_error *error)
{
    struct trace_reader reader;
    trace_reader_init(&reader, text, strlen(text));
    return trace_read_next(&reader, record, error);
}

static void assert_slice(struct trace_slice slice, const char *text)
{
    assert_int_equal(slice.length, strlen(text));
    assert_memory_equal(slice.text, text, slice.length);
}

static void standard_line_is_read(void **state)
{
    (void)state;
    struct trace_record record;
    struct trace_error error;
    assert_int_equal(read_one("T1|acq(l)|file.c:7\n", &record, &error), TRACE_RECORD);
    assert_int_equal(record.kind, EVENT_ACQUIRE);
    assert_int_equal(record.flags, 0);
    assert_slice(record.thread, "T1");
    assert_slice(record.object, "l");
    assert_slice(record.site, "file.c:7");
}

static void names_may_hold_anything_but_the_separators(void **state)
{
    (void)state;
    struct trace_record record;
    struct trace_error error;
    assert_int_equal(read_one("a thread|w(Map<K>.table(0)[1])|x", &record, &error), TRACE_RECORD);
    assert_slice(record.thread, "a thread");
    assert_slice(record.object, "Map<K>.table(0)[1]");
}

static void words_become_flags_and_values(void **state)
{
    (void)state;
    struct trace_record record;
    struct trace_error error;
    assert_int_equal(read_one("T1|init(0x10, semaphore, process-shared, count=3)|", &record, &error), TRACE_RECORD);
    assert_int_equal(record.flags, EVENT_HAS_KIND | EVENT_PROCESS_SHARED | EVENT_HAS_COUNT);
    assert_int_equal(record.object_kind, OBJECT_SEMAPHORE);
    assert_int_equal(record.count, 3);
    assert_int_equal(record.site.length, 0);
    assert_int_equal(read_one("T1|armw(x,acq-rel,size=8)|1", &record, &error), TRACE_RECORD);
    assert_int_equal(record.order, ORDER_ACQ_REL);
    assert_int_equal(record.size, 8);
}

static void comments_blank_lines_and_carriage_returns_are_passed_over(void **state)
{
    (void)state;
    struct trace_reader reader;
    struct trace_record record;
    struct trace_error error;
    const char text[] = "# a comment\r\n\r\n  \nT1|rel(l)|3\r\n";
    trace_reader_init(&reader, text, strlen(text));
    assert_int_equal(trace_read_next(&reader, &record, &error), TRACE_RECORD);
    assert_int_equal(reader.line, 4);
    assert_slice(record.site, "3");
    assert_int_equal(trace_read_next(&reader, &record, &error), TRACE_END);
}

static void each_mistake_has_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t column;
        const char *says;
    } cases[] = {
        {"|acq(l)|1", 1, "the thread is missing"},
        {"T1", 3, "the operation is missing"},
        {"T1|acq|1", 4, "with parentheses"},
        {"T1|acq(l|1", 9, "closing parenthesis"},
        {"T1|lock(l)|1", 4, "unknown operation"},
        {"T1|acq()|1", 8, "the operand is missing"},
        {"T1|exit(x)|1", 9, "takes no operand"},
        {"T1|wait(c)|1", 10, "a condition and its mutex"},
        {"T1|acq(l,loudly)|1", 10, "unknown word"},
        {"T1|rel(l,try)|1", 10, "does not take this word"},
        {"T1|acq(l,try,try)|1", 14, "said twice"},
        {"T1|sigenter(x)|1", 13, "a decimal number"},
        {"T1|r(x,size=99999999999999999999)|1", 8, "unknown word"},
        {"T1|init(x,count=4294967296)|1", 11, "unknown word"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trace_record record;
        struct trace_error error;
        assert_int_equal(read_one(cases[i].text, &record, &error), TRACE_ERROR);
        if (error.column != cases[i].column || !strstr(error.message, cases[i].says))
            fail_msg("%s: column %zu, %s", cases[i].text, error.column, error.message);
    }
}

static void reader_goes_on_after_a_mistake(void **state)
{
    (void)state;
    struct trace_reader reader;
    struct trace_record record;
    struct trace_error error;
    const char text[] = "nonsense\nT1|exit()|1";
    trace_reader_init(&reader, text, strlen(text));
    assert_int_equal(trace_read_next(&reader, &record, &error), TRACE_ERROR);
    assert_int_equal(error.line, 1);
    assert_int_equal(trace_read_next(&reader, &record, &error), TRACE_RECORD);
    assert_int_equal(record.kind, EVENT_EXIT);
}

static void any_bytes_are_survived(void **state)
{
    (void)state;
    const char *seed_text = getenv("TRACE_SEED");
    unsigned seed = seed_text ? (unsigned)strtoul(seed_text, NULL, 0) : (unsigned)time(NULL);
    print_message("TRACE_SEED=%u\n", seed);
    srand(seed);
    static const char alphabet[] = "T1|acq(l,try)wait\n\r 0x9=size#\0\xff";
    for (int run = 0; run < 20000; run++) {
        size_t length = (size_t)rand() % 40;
        char *text = malloc(length + 1); /* of just this size, so that a sanitizer sees a step beyond it */
        for (size_t i = 0; i < length; i++)
            text[i] = alphabet[(size_t)rand() % (sizeof alphabet - 1)];
        struct trace_reader reader;
        struct trace_record record;
        struct trace_error error;
        size_t lines = 0;
        trace_reader_init(&reader, text, length);
        while (trace_read_next(&reader, &record, &error) != TRACE_END)
            lines++;
        assert_in_range(lines, 0, length);
        free(text);
    }
}

/* ---- writer ------------------------------------------------------------------------------------------------------- */

static void written_line_is_as_documented(void **state)
{
    (void)state;
    char buffer[TRACE_EVENT_MAX];
    const struct event event = {.kind = EVENT_ACQUIRE,
                                .flags = EVENT_SHARED | EVENT_TRY | EVENT_HAS_KIND | EVENT_ABORTED,
                                .thread = 12,
                                .object = 0x7ffe10,
                                .object_kind = OBJECT_RWLOCK,
                                .at = {5}};
    size_t length = trace_write_event(buffer, sizeof buffer, &event, NULL);
    assert_slice((struct trace_slice){buffer, length}, "T12|acq(0x7ffe10,rwlock,shared,try)|5\n");
    length = trace_write_event(buffer, sizeof buffer, &event, "a|b\nc");
    assert_slice((struct trace_slice){buffer, length}, "T12|acq(0x7ffe10,rwlock,shared,try)|a_b_c\n");
}

static void long_site_is_cut_within_the_buffer(void **state)
{
    (void)state;
    char buffer[TRACE_EVENT_MAX + 1];
    char site[TRACE_EVENT_MAX * 2];
    memset(site, 's', sizeof site - 1);
    site[sizeof site - 1] = '\0';
    buffer[TRACE_EVENT_MAX] = 'x';
    const struct event event = {.kind = EVENT_EXIT, .thread = 1};
    assert_int_equal(trace_write_event(buffer, TRACE_EVENT_MAX, &event, site), TRACE_EVENT_MAX);
    assert_int_equal(buffer[TRACE_EVENT_MAX - 1], '\n');
    assert_int_equal(buffer[TRACE_EVENT_MAX], 'x');
    assert_int_equal(trace_write_event(buffer, TRACE_EVENT_MAX - 1, &event, site), 0);
}

/* The event with every word that its kind may carry and the largest numbers. */
static struct event fullest_event(enum event_kind kind)
{
    return (struct event){.kind = kind,
                          .flags = event_rules[kind].flags,
                          .thread = INT32_MAX,
                          .target = INT32_MAX - 1,
                          .object = UINT64_C(0xfeffffffffffffff),
                          .mutex = UINT64_C(0xfefffffffffffffe),
                          .size = UINT64_MAX,
                          .count = UINT32_MAX,
                          .object_kind = OBJECT_SEMAPHORE,
                          .order = ORDER_SEQ_CST};
}

/* Writes, reads, resolves and writes again.  Returns: true when both texts are the same. */
static bool survives_round_trip(const struct event *event)
{
    char first[TRACE_EVENT_MAX], second[TRACE_EVENT_MAX];
    size_t length = trace_write_event(first, sizeof first, event, "site");
    struct trace_reader reader;
    struct trace_record record;
    struct trace_error error;
    struct event again;
    struct trace_names names;
    trace_names_init(&names, &malloc_host);
    trace_reader_init(&reader, first, length);
    bool same = trace_read_next(&reader, &record, &error) == TRACE_RECORD &&
                trace_names_resolve(&names, &record, &again) && again.kind == event->kind &&
                again.flags == (event->flags & event_rules[event->kind].flags);
    same = same && trace_write_event(second, sizeof second, &again, "site") == length &&
           memcmp(first, second, length) == 0;
    trace_names_release(&names);
    if (!same)
        print_error("%.*s", (int)length, first);
    return same;
}

static void every_kind_of_event_survives_a_round_trip(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < EVENT_KIND_COUNT; kind++) {
        struct event event = fullest_event((enum event_kind)kind);
        assert_true(survives_round_trip(&event));
        for (unsigned object = 0; object < OBJECT_KIND_COUNT; object++) {
            event.object_kind = (enum object_kind)object;
            assert_true(survives_round_trip(&event));
        }
        for (unsigned order = 0; order < ORDER_COUNT; order++) {
            event.order = (enum event_order)order;
            assert_true(survives_round_trip(&event));
        }
        for (uint32_t flag = 1; flag; flag <<= 1) {
            event.flags = event_rules[kind].flags & flag;
            assert_true(survives_round_trip(&event));
        }
    }
    assert_int_equal(malloc_host_bytes(), 0);
}

/* ---- names -------------------------------------------------------------------------------------------------------- */

static void names_keep_apart_what_differs(void **state)
{
    (void)state;
    static const char *const texts[] = {"T1", "T01", "1", "0x10", "0x010", "10", "0x", "x", "T", "T99999999999"};
    enum { COUNT = sizeof texts / sizeof *texts };
    struct event events[COUNT];
    struct trace_names names;
    trace_names_init(&names, &malloc_host);
    for (size_t i = 0; i < COUNT; i++) {
        const struct trace_slice text = {texts[i], strlen(texts[i])};
        const struct trace_record record = {.kind = EVENT_ACQUIRE, .thread = text, .object = text, .site = text};
        assert_true(trace_names_resolve(&names, &record, &events[i]));
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(events[i].thread, events[k].thread);
            assert_int_not_equal(events[i].object, events[k].object);
        }
    }
    for (size_t i = 0; i < COUNT; i++) {
        char buffer[TRACE_NAME_MAX];
        assert_slice(trace_names_thread(&names, events[i].thread, buffer), texts[i]);
        assert_slice(trace_names_object(&names, events[i].object, buffer), texts[i]);
        assert_slice(trace_names_site(&names, events[i].at), texts[i]);
    }
    assert_int_equal(events[0].thread, 1);
    assert_int_equal(events[3].object, 0x10);
    trace_names_release(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(standard_line_is_read),
        cmocka_unit_test(names_may_hold_anything_but_the_separators),
        cmocka_unit_test(words_become_flags_and_values),
        cmocka_unit_test(comments_blank_lines_and_carriage_returns_are_passed_over),
        cmocka_unit_test(each_mistake_has_its_place),
        cmocka_unit_test(reader_goes_on_after_a_mistake),
        cmocka_unit_test(any_bytes_are_survived),
        cmocka_unit_test(written_line_is_as_documented),
        cmocka_unit_test(long_site_is_cut_within_the_buffer),
        cmocka_unit_test(every_kind_of_event_survives_a_round_trip),
        cmocka_unit_test(names_keep_apart_what_differs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
