/* fuzz_run_file.c: any file is read to its end as a run file, and what it says is rendered in every format. */
#include "fuzz.h"
#include "report/format_dot.h"
#include "report/format_github.h"
#include "report/format_html.h"
#include "report/format_json.h"
#include "report/format_junit.h"
#include "report/format_sarif.h"
#include "report/format_text.h"
#include "report/intake.h"

#include <jansson.h>
#include <sys/mman.h>
#include <unistd.h>

typedef void render_fn(struct buffer *out, const struct run *run, const struct symbols *symbols);

static void check_json(const struct buffer *out)
{
    json_error_t error;
    json_t *document = json_loadb(out->data, out->length, 0, &error);
    FUZZ_CHECK(document != NULL);
    json_decref(document);
}

static void render_all(const struct run *run, const struct symbols *symbols)
{
    static render_fn *const formats[] = {format_json,  format_sarif,  format_html,
                                         format_junit, format_github, format_dot};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct buffer out = {0};
        formats[i](&out, run, symbols);
        if (i < 2)
            check_json(&out);
        buffer_free(&out);
    }
    struct buffer text = {0};
    const struct text_style plain = {0};
    for (const struct run_finding *finding = run->findings; finding; finding = finding->next)
        format_text_finding(&text, finding, &plain);
    format_text_summary(&text, run, symbols, NULL, &plain);
    FUZZ_CHECK(text.length > 0 && memchr(text.data, '\033', text.length) == NULL);
    buffer_free(&text);
}

/* Returns: the name of a file that holds the input. */
static const char *file_with(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[32];
    if (fd < 0) {
        fd = memfd_create("fuzz.lockhound", MFD_CLOEXEC);
        FUZZ_CHECK(fd >= 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    FUZZ_CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
    return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct symbols *symbols = symbols_new();
    struct run run = {0};
    struct suppressions rules = {0};
    struct intake intake = {.symbols = symbols, .rules = &rules};
    struct run_reader reader;
    FUZZ_CHECK(run_reader_open(&reader, file_with(data, size), &run, intake_take, &intake) == 0);
    FUZZ_CHECK(run_reader_poll(&reader) == 0);
    run_reader_close(&reader);
    render_all(&run, symbols);
    run_free(&run);
    symbols_free(symbols);
    suppressions_free(&rules);
    return 0;
}
