/* fuzz_report.c: any run file can be rendered in every format, and what comes out is text: no control character but the line
 * end (and JSON's escapes), however the program called its threads, files and locks. */
#include "fuzz.h"
#include "report/format_dot.h"
#include "report/format_github.h"
#include "report/format_html.h"
#include "report/format_json.h"
#include "report/format_junit.h"
#include "report/format_sarif.h"
#include "report/format_text.h"
#include "report/intake.h"

#include <sys/mman.h>
#include <unistd.h>

static void check_text(struct buffer *text)
{
    for (size_t i = 0; i < text->length; i++) {
        unsigned char c = (unsigned char)text->data[i];
        FUZZ_CHECK(c == '\n' || (c >= 0x20 && c != 0x7f));
    }
    buffer_free(text);
}

static void render(const struct run *run, const struct symbols *symbols)
{
    static void (*const formats[])(struct buffer *, const struct run *, const struct symbols *) = {
        format_dot, format_github, format_html, format_json, format_junit, format_sarif};
    static const struct text_style plain = {false, NULL};
    struct buffer text = {0};
    for (const struct run_finding *f = run->findings; f; f = f->next)
        format_text_finding(&text, f, &plain);
    format_text_summary(&text, run, symbols, NULL, &plain);
    check_text(&text);
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        formats[i](&text, run, symbols);
        check_text(&text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[32];
    if (fd < 0) {
        fd = memfd_create("fuzz.lockhound", MFD_CLOEXEC);
        FUZZ_CHECK(fd >= 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    FUZZ_CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);

    struct run run = {0};
    struct suppressions rules = {0};
    struct run_reader reader;
    struct intake intake = {.symbols = symbols_new(), .rules = &rules};
    FUZZ_CHECK(run_reader_open(&reader, path, &run, intake_take, &intake) == 0);
    FUZZ_CHECK(run_reader_poll(&reader) == 0);
    run_reader_close(&reader);
    render(&run, intake.symbols);
    run_free(&run);
    symbols_free(intake.symbols);
    return 0;
}
