/* command_analyze.c: `lockhound analyze TRACE...`: the engines, driven by recorded events instead of a live program. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/input.h"
#include "cli/output.h"
#include "detector/offline/trace_driver.h"
#include "report/escape.h"

struct analysis {
    const char *path;
    struct buffer findings, errors;
};

static void take_line(void *ctx, enum trace_output_kind kind, const char *line)
{
    struct analysis *a = ctx;
    struct buffer *out = kind == TRACE_OUTPUT_FINDING ? &a->findings : &a->errors;
    if (kind == TRACE_OUTPUT_ERROR)
        buffer_printf(out, "lockhound: %s:", a->path);
    escape_text(out, line);
    buffer_string(out, "\n");
}

static void enable(struct detector_options *options, const char *word, size_t length)
{
    bool on = *word != '-';
    enum finding_kind kind;
    bool is_all = length == strlen("all") && memcmp(word, "all", length) == 0;
    bool is_none = length == strlen("none") && memcmp(word, "none", length) == 0;
    bool is_default = length == strlen("default") && memcmp(word, "default", length) == 0;
    for (int k = 0; k < FINDING_COUNT && (is_all || is_none || is_default); k++)
        options->enabled[k] = is_all || (is_default && finding_is_default((enum finding_kind)k));
    if (finding_from_slug(word + !on, length - !on, &kind))
        options->enabled[kind] = on;
}

/* `list` was checked when the option was set. */
static void choose_checks(struct detector_options *options, const char *list)
{
    while (list && *list) {
        size_t length = strcspn(list, ",");
        enable(options, list, length);
        list += length + (list[length] == ',');
    }
}

/* Returns: true when a finding of severity error was made. */
static bool has_error(const struct trace_summary *summary)
{
    for (int kind = 0; kind < FINDING_COUNT; kind++)
        if (summary->counts.findings[kind] && finding_severity((enum finding_kind)kind) == SEVERITY_ERROR)
            return true;
    return false;
}

static int analyze_file(const char *path, const struct detector_options *options)
{
    struct analysis a = {.path = path};
    struct buffer text = {0};
    struct trace_summary summary = {0};
    if (!input_read(path, &text))
        return EXIT_FAILED;
    enum trace_outcome outcome = trace_driver_run(text.data, text.length, options, take_line, &a, &summary);
    bool was_written = output_show(&a.findings);
    output_write(STDERR_FILENO, &a.errors);
    buffer_free(&text);
    buffer_free(&a.findings);
    buffer_free(&a.errors);
    if (outcome == TRACE_OUT_OF_MEMORY)
        fprintf(stderr, "lockhound: %s: no memory for all of it\n", path);
    if (summary.is_cut_short)
        fprintf(stderr, "lockhound: %s: the search for data races was cut short; there may be more\n", path);
    if (has_error(&summary))
        return EXIT_FINDINGS;
    return outcome == TRACE_COMPLETE && was_written ? EXIT_OK : EXIT_FAILED;
}

int command_analyze_main(int argc, char **argv)
{
    struct settings settings = {0};
    struct detector_options options;
    int first = settings_parse(&settings, argc, argv, FOR_ANALYZE, true);
    if (first < 0)
        return EXIT_USAGE;
    if (settings.wants_help)
        return command_print_help(command_find("analyze"));
    if (!argv[first]) {
        fputs("lockhound: analyze needs a trace (made by lockhound run --trace=FILE)\n", stderr);
        return EXIT_USAGE;
    }
    detector_options_default(&options);
    choose_checks(&options, settings.values[OPTION_ID_checks]);
    options.lock_held_threshold_ms =
        (uint32_t)settings_number(&settings, OPTION_ID_lock_held_ms, options.lock_held_threshold_ms);
    int worst = EXIT_OK;
    for (int i = first; argv[i]; i++) {
        int status = analyze_file(argv[i], &options);
        worst = status == EXIT_FINDINGS || worst == EXIT_OK ? status : worst;
    }
    pool_free(&settings.pool);
    return worst;
}
