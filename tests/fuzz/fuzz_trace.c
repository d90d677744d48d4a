/* fuzz_trace.c: any text is read without a step outside it, and any sequence of events leaves the detector standing. */
#include "detector/offline/trace_driver.h"
#include "detector/trace_read.h"
#include "fuzz.h"

static const char *begin, *end;

static void check_slice(struct trace_slice slice)
{
    if (slice.length > 0)
        FUZZ_CHECK(slice.text >= begin && slice.text + slice.length <= end);
}

static void check_reader(const char *text, size_t size)
{
    struct trace_reader reader;
    struct trace_record record;
    struct trace_error error;
    enum trace_status status;
    trace_reader_init(&reader, text, size);
    while ((status = trace_read_next(&reader, &record, &error)) != TRACE_END) {
        if (status == TRACE_ERROR) {
            FUZZ_CHECK(error.line == reader.line && error.column >= 1 && error.column <= size + 1);
            continue;
        }
        check_slice(record.thread);
        check_slice(record.target);
        check_slice(record.object);
        check_slice(record.mutex);
        check_slice(record.site);
        FUZZ_CHECK(record.kind < EVENT_KIND_COUNT && (record.flags & ~event_rules[record.kind].flags) == 0);
    }
}

static void take_line(void *ctx, enum trace_output_kind kind, const char *line)
{
    size_t *lines = ctx;
    (void)kind;
    *lines += strlen(line) > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct trace_summary summary;
    size_t lines = 0;
    begin = text;
    end = text + size;
    check_reader(text, size);
    FUZZ_CHECK(trace_driver_run(text, size, NULL, take_line, &lines, &summary) != TRACE_OUT_OF_MEMORY);
    FUZZ_CHECK(lines == summary.errors + summary.findings);
    free(text);
    return 0;
}
