/* command_suppress.c: `lockhound suppress REPORT...`: rules that match the findings of a report, to be edited and kept. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/document.h"
#include "cli/output.h"

#define FRAMES_NAMED 2

/* A value must stand on one line, and blanks at its ends would be lost. */
static bool is_plain(const char *text)
{
    for (const char *c = text; *c; c++)
        if (iscntrl((unsigned char)*c))
            return false;
    return *text && *text != ' ' && text[strlen(text) - 1] != ' ';
}

/* Adds the innermost named functions of the first party's stack.  Returns: how many. */
static size_t add_frames(struct buffer *out, const json_t *finding)
{
    size_t i, named = 0;
    json_t *frame;
    const json_t *party = json_array_get(json_object_get(finding, "parties"), 0);
    const json_t *reference = json_object_get(party, "stack");
    const json_t *stack = json_is_integer(reference) ? json_array_get(json_object_get(finding, "stacks"),
                                                                      (size_t)json_integer_value(reference))
                                                     : NULL;
    json_array_foreach(stack, i, frame)
    {
        const char *function = document_string(frame, "function");
        if (named < FRAMES_NAMED && !json_is_true(json_object_get(frame, "runtime")) && is_plain(function)) {
            buffer_printf(out, "frame: %s\n", function);
            named++;
        }
    }
    return named;
}

static void add_title(struct buffer *out, const char *message)
{
    buffer_string(out, "[");
    for (const char *c = message; *c; c++)
        buffer_add(out, iscntrl((unsigned char)*c) ? " " : c, 1);
    buffer_string(out, "]\n");
}

static void add_rule(struct buffer *out, const json_t *finding)
{
    add_title(out, document_string(finding, "message"));
    buffer_printf(out, "kind: %s\n", document_string(finding, "kind"));
    if (add_frames(out, finding)) {
        buffer_printf(out, "# to match this one finding alone: fingerprint: %s\n\n",
                      document_string(finding, "fingerprint"));
    } else {
        buffer_printf(out, "fingerprint: %s\n\n", document_string(finding, "fingerprint"));
    }
}

static int suppress(const struct settings *settings, char **paths)
{
    struct buffer text = {0};
    int status = EXIT_OK;
    for (; *paths; paths++) {
        size_t i;
        json_t *finding, *document = document_load(*paths, settings);
        if (!document)
            status = EXIT_FAILED;
        else if (text.length == 0)
            buffer_string(&text, "# Rules for lockhound --suppressions; lockhound-suppressions(5) explains them.\n\n");
        json_array_foreach(json_object_get(document, "findings"), i, finding)
        {
            add_rule(&text, finding);
        }
        json_decref(document);
    }
    if (text.length && !output_show(&text))
        status = EXIT_FAILED;
    buffer_free(&text);
    return status;
}

int command_suppress_main(int argc, char **argv)
{
    struct settings settings = {0};
    int first = settings_parse(&settings, argc, argv, FOR_SUPPRESS, true);
    if (first < 0)
        return EXIT_USAGE;
    if (settings.wants_help)
        return command_print_help(command_find("suppress"));
    if (!argv[first]) {
        fputs("lockhound: suppress needs a run file or a JSON report\n", stderr);
        return EXIT_USAGE;
    }
    int status = suppress(&settings, argv + first);
    pool_free(&settings.pool);
    return status;
}
