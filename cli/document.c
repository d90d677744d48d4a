#include "cli/document.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/input.h"
#include "report/escape.h"
#include "report/format_json.h"

const char *document_string(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

static bool is_run_file(const char *path)
{
    static const char start[] = "{\"r\":";
    char bytes[sizeof start - 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    bool is_one = read(fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes && memcmp(bytes, start, sizeof bytes) == 0;
    close(fd);
    return is_one;
}

/* Adds the JSON report of a run file.  Returns: false after a complaint. */
static bool render(const char *path, const struct settings *settings, struct buffer *text)
{
    struct session session = {0};
    session.settings = *settings;
    session.settings.pool = (struct pool){0};
    session_begin(&session);
    bool is_good = session_load_rules(&session) && session_read(&session, path);
    if (is_good)
        format_json(text, &session.run, session.intake.symbols);
    session_end(&session);
    return is_good;
}

static bool has_findings(const json_t *document)
{
    size_t i;
    json_t *finding;
    const json_t *findings = json_object_get(document, "findings");
    json_array_foreach(findings, i, finding)
    {
        if (!*document_string(finding, "fingerprint") || !*document_string(finding, "kind"))
            return false;
    }
    return json_is_array(findings);
}

json_t *document_load(const char *path, const struct settings *settings)
{
    struct buffer text = {0};
    json_error_t error = {0};
    json_t *document = NULL;
    bool was_read = is_run_file(path) ? render(path, settings, &text) : input_read(path, &text);
    if (was_read) {
        document = json_loadb(text.data, text.length, 0, &error);
        if (!document || !has_findings(document)) {
            struct buffer why = {0};
            escape_text(&why, document ? "it has no list of findings" : error.text);
            fprintf(stderr, "lockhound: %s is neither a run file, a JSON report nor a baseline: at byte %d: %s\n", path,
                    document ? 0 : error.position, why.data);
            buffer_free(&why);
            json_decref(document);
            document = NULL;
        }
    }
    buffer_free(&text);
    return document;
}
