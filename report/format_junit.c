#include "report/format_junit.h"

#include <inttypes.h>
#include <string.h>

#include "report/escape.h"
#include "report/format_text.h"
#include "report/path.h"
#include "report/resolve.h"

static bool is_first_of_file(const struct run *run, const struct run_process *process)
{
    const struct run_process *p = run->processes;
    while (strcmp(p->file, process->file) != 0)
        p = p->next;
    return p == process;
}

static size_t count_findings(const struct run *run, const char *file, bool errors)
{
    size_t count = 0;
    for (const struct run_finding *f = run->findings; f; f = f->next)
        count += strcmp(f->process->file, file) == 0 && (strcmp(f->severity, "error") == 0) == errors;
    return count;
}

static void add_attribute(struct buffer *out, const char *name, const char *value)
{
    buffer_printf(out, " %s=\"", name);
    escape_xml(out, value);
    buffer_string(out, "\"");
}

/* The text of the findings, line by line: the text format has already made them harmless for a terminal. */
static void add_findings(struct buffer *out, const struct run *run, const char *file, bool errors)
{
    static const struct text_style plain = {false, NULL};
    for (const struct run_finding *f = run->findings; f; f = f->next) {
        if (strcmp(f->process->file, file) != 0 || (strcmp(f->severity, "error") == 0) != errors)
            continue;
        struct buffer text = {0};
        format_text_finding(&text, f, &plain);
        for (char *line = text.data; *line;) {
            char *end = strchr(line, '\n');
            *end = '\0';
            escape_xml(out, line);
            buffer_string(out, "\n");
            line = end + 1;
        }
        buffer_free(&text);
    }
}

static const char *first_message(const struct run *run, const char *file)
{
    const struct run_finding *f = run->findings;
    while (strcmp(f->process->file, file) != 0 || strcmp(f->severity, "error") != 0)
        f = f->next;
    return f->message;
}

static void add_case(struct buffer *out, const struct run *run, const struct run_process *process)
{
    struct buffer name = {0};
    size_t errors = count_findings(run, process->file, true), others = count_findings(run, process->file, false);
    buffer_string(&name, process->argc ? "" : path_base(process->exe));
    for (size_t i = 0; i < process->argc; i++)
        buffer_printf(&name, "%s%s", i ? " " : "", process->argv[i]);
    buffer_string(out, "  <testcase");
    add_attribute(out, "name", name.data);
    add_attribute(out, "classname", path_base(process->exe));
    buffer_string(out, ">\n");
    if (errors) {
        buffer_string(out, "    <failure");
        add_attribute(out, "type", "lockhound");
        add_attribute(out, "message", first_message(run, process->file));
        buffer_string(out, ">\n");
        add_findings(out, run, process->file, true);
        buffer_string(out, "    </failure>\n");
    }
    if (others) {
        buffer_string(out, "    <system-out>\n");
        add_findings(out, run, process->file, false);
        buffer_string(out, "    </system-out>\n");
    }
    buffer_string(out, "  </testcase>\n");
    buffer_free(&name);
}

void format_junit(struct buffer *out, const struct run *run, const struct symbols *symbols)
{
    struct buffer cases = {0};
    size_t tests = 0, failures = 0;
    (void)symbols;
    buffer_string(&cases, "");
    for (const struct run_process *p = run->processes; p; p = p->next) {
        if (is_first_of_file(run, p)) {
            add_case(&cases, run, p);
            tests++;
            failures += count_findings(run, p->file, true) > 0;
        }
    }
    buffer_string(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    buffer_printf(out, "<testsuites tests=\"%zu\" failures=\"%zu\">\n", tests, failures);
    buffer_printf(out, " <testsuite name=\"lockhound\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"0\">\n",
                  tests, failures);
    buffer_add(out, cases.data, cases.length);
    buffer_string(out, " </testsuite>\n</testsuites>\n");
    buffer_free(&cases);
}
