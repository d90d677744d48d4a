#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/output.h"
#include "report/contention.h"
#include "report/format_dot.h"
#include "report/format_github.h"
#include "report/format_html.h"
#include "report/format_json.h"
#include "report/format_junit.h"
#include "report/format_sarif.h"

/* One line a format: its option and its writer. */
static const struct {
    enum option_id option;
    void (*write)(struct buffer *out, const struct run *run, const struct symbols *symbols);
} formats[] = {{OPTION_ID_json, format_json},   {OPTION_ID_github, format_github}, {OPTION_ID_html, format_html},
               {OPTION_ID_sarif, format_sarif}, {OPTION_ID_junit, format_junit},   {OPTION_ID_dot, format_dot}};

void session_begin(struct session *session)
{
    session->intake.symbols = symbols_new();
    session->intake.rules = &session->rules;
    session->sources = source_cache_new();
}

struct text_style session_style(const struct session *session, int fd)
{
    return (struct text_style){settings_colour(&session->settings, fd), session->sources};
}

void session_show(const struct session *session, const struct run_finding *finding)
{
    struct text_style style = session_style(session, STDERR_FILENO);
    struct buffer text = {0};
    format_text_finding(&text, finding, &style);
    output_write(STDERR_FILENO, &text);
    buffer_free(&text);
}

bool session_load_rules(struct session *session)
{
    struct buffer errors = {0};
    bool is_good = true;
    for (size_t i = 0; i < session->settings.suppression_file_count; i++)
        is_good &= suppressions_load(&session->rules, session->settings.suppression_files[i], &errors);
    const char *defaults = session->settings.values[OPTION_ID_default_suppressions];
    if (!defaults || strcmp(defaults, "yes") == 0)
        suppressions_add_defaults(&session->rules);
    if (!is_good)
        fprintf(stderr, "lockhound: the suppressions cannot be used:\n%s", errors.data);
    buffer_free(&errors);
    session->were_rules_loaded = true;
    return is_good;
}

bool session_read(struct session *session, const char *path)
{
    struct run_reader reader;
    int status = run_reader_open(&reader, path, &session->run, intake_take, &session->intake);
    if (status == 0) {
        status = run_reader_poll(&reader);
        run_reader_close(&reader);
    }
    if (status < 0)
        fprintf(stderr, "lockhound: cannot read %s: %s\n", path, strerror(-status));
    contention_merge(&session->run, session->intake.symbols);
    return status == 0;
}

void session_end(struct session *session)
{
    run_free(&session->run);
    suppressions_free(&session->rules);
    symbols_free(session->intake.symbols);
    source_cache_free(session->sources);
    pool_free(&session->settings.pool);
}

bool session_check_formats(const struct session *session)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        const char *path = session->settings.values[formats[i].option];
        if (path && !output_check(path))
            return false;
    }
    return true;
}

bool session_write_formats(struct session *session)
{
    bool all = true;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        const char *path = session->settings.values[formats[i].option];
        if (path) {
            struct buffer text = {0};
            formats[i].write(&text, &session->run, session->intake.symbols);
            all &= output_replace(path, &text);
            buffer_free(&text);
        }
    }
    return all;
}

bool session_uses_stdout(const struct session *session)
{
    bool uses = false;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        const char *path = session->settings.values[formats[i].option];
        uses |= path && strcmp(path, "-") == 0;
    }
    return uses;
}
