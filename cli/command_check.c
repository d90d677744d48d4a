/* command_check.c: `lockhound check REPORT... --baseline FILE`: fails on findings that are not yet known.
 *
 * A baseline is a JSON document with "findings", each with fingerprint, kind and message, so that a JSON report is a
 * baseline as well; what --update-baseline writes has no more than
 * that, in the order of the reports, to be kept under version control.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/document.h"
#include "cli/output.h"
#include "report/escape.h"
#include "report/json_values.h"

#define BASELINE_VERSION 1

/* fingerprint -> finding, each once. */
static void collect(json_t *by_fingerprint, const json_t *document)
{
    size_t i;
    json_t *finding;
    json_array_foreach(json_object_get(document, "findings"), i, finding)
    {
        json_object_set(by_fingerprint, document_string(finding, "fingerprint"), finding);
    }
}

/* Adds a line for each finding of `these` that is (or is not) among `those`.  Returns: how many. */
static size_t add_lines(struct buffer *out, const char *word, json_t *these, const json_t *those, bool among)
{
    const char *fingerprint;
    json_t *finding;
    size_t count = 0;
    json_object_foreach(these, fingerprint, finding)
    {
        if ((json_object_get(those, fingerprint) != NULL) != among)
            continue;
        buffer_printf(out, "%-6s", word);
        escape_text(out, fingerprint);
        buffer_string(out, " ");
        escape_text(out, document_string(finding, "kind"));
        buffer_string(out, ": ");
        escape_text(out, document_string(finding, "message"));
        buffer_string(out, "\n");
        count++;
    }
    return count;
}

/* `is_quiet`: says nothing when nothing is new. */
static int compare(json_t *present, json_t *known, bool is_quiet)
{
    struct buffer text = {0};
    size_t added = add_lines(&text, "new", present, known, false);
    size_t kept = add_lines(&text, "known", present, known, true);
    size_t gone = add_lines(&text, "gone", known, present, false);
    buffer_printf(&text, "lockhound: %zu new, %zu known, %zu gone\n", added, kept, gone);
    bool was_written = (is_quiet && added == 0) || output_show(&text);
    buffer_free(&text);
    return added ? EXIT_FINDINGS : was_written ? EXIT_OK : EXIT_FAILED;
}

static bool write_baseline(const char *path, json_t *present)
{
    struct buffer text = {0};
    const char *fingerprint;
    json_t *finding, *document = json_object(), *findings = json_array();
    json_object_foreach(present, fingerprint, finding)
    {
        static const char *const kept[] = {"fingerprint", "kind", "message"};
        json_t *entry = json_object();
        for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
            json_object_set_new(entry, kept[i], json_string(document_string(finding, kept[i])));
        json_array_append_new(findings, entry);
    }
    json_object_set_new(document, "baseline_version", json_integer(BASELINE_VERSION));
    json_object_set_new(document, "findings", findings);
    json_write(&text, document);
    bool was_written = output_replace(path, &text);
    buffer_free(&text);
    return was_written;
}

/* Returns: all findings of the reports, or NULL after a complaint. */
static json_t *load_reports(char **paths, const struct settings *settings)
{
    json_t *present = json_object();
    for (; *paths; paths++) {
        json_t *document = document_load(*paths, settings);
        if (!document) {
            json_decref(present);
            return NULL;
        }
        collect(present, document);
        json_decref(document);
    }
    return present;
}

/* Returns: the baseline's findings, empty when it is yet to be made, or NULL after a complaint. */
static json_t *load_baseline(const char *path, const struct settings *settings, bool may_be_missing)
{
    if (access(path, F_OK) != 0 && errno == ENOENT) {
        if (may_be_missing)
            return json_object();
        fprintf(stderr, "lockhound: there is no baseline %s yet: --update-baseline makes one\n", path);
        return NULL;
    }
    json_t *known = NULL, *document = document_load(path, settings);
    if (document) {
        known = json_object();
        collect(known, document);
        json_decref(document);
    }
    return known;
}

static int check(const struct settings *settings, char **paths)
{
    const char *path = settings->values[OPTION_ID_baseline];
    bool updates = settings_flag(settings, OPTION_ID_update_baseline);
    json_t *present = load_reports(paths, settings);
    json_t *known = present ? load_baseline(path, settings, updates) : NULL;
    int status = EXIT_FAILED;
    if (present && known) {
        status = compare(present, known, settings_flag(settings, OPTION_ID_quiet));
        if (updates)
            status = write_baseline(path, present) ? EXIT_OK : EXIT_FAILED;
    }
    json_decref(present);
    json_decref(known);
    return status;
}

int command_check_main(int argc, char **argv)
{
    struct settings settings = {0};
    int first = settings_parse(&settings, argc, argv, FOR_CHECK, true);
    if (first < 0)
        return EXIT_USAGE;
    if (settings.wants_help)
        return command_print_help(command_find("check"));
    if (!argv[first] || !settings.values[OPTION_ID_baseline]) {
        fputs("lockhound: check needs a report and --baseline=FILE; --update-baseline makes one\n", stderr);
        return EXIT_USAGE;
    }
    int status = check(&settings, argv + first);
    pool_free(&settings.pool);
    return status;
}
