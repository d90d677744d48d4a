/* command_print.c: `lockhound print`: one finding, or the summary, on stderr, for a program that runs with LD_PRELOAD
 * alone.  The library starts it for each finding, so it reads no more than it must: those that came before, to say nothing of
 * one that is a repeat, and of them it looks up the ones of the same kind. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/output.h"
#include "report/contention.h"
#include "report/format_text.h"

struct printing {
    struct session *session;
    struct run_finding *earlier; /* as decoded */
};

static void print_finding(void *ctx, const struct run_finding *finding)
{
    session_show(ctx, finding);
}

static void keep_earlier(void *ctx, struct run *run, struct run_finding *finding)
{
    struct printing *printing = ctx;
    (void)run;
    finding->next = printing->earlier;
    printing->earlier = finding;
}

/* Returns: true when an earlier finding may be the same as one of this kind, or the inversion that the deadlock made true. */
static bool matters(const struct run_finding *earlier, const char *kind)
{
    return strcmp(earlier->kind, kind) == 0 ||
           (strcmp(kind, "deadlock") == 0 && strcmp(earlier->kind, "lock-order-inversion") == 0);
}

/* Takes the earlier findings in, without showing them, as far as they matter.  `kind`: NULL to let all go. */
static void take_earlier(struct printing *printing, const char *kind)
{
    struct session *session = printing->session;
    struct intake silent = session->intake;
    silent.show = NULL;
    while (printing->earlier) {
        struct run_finding *finding = printing->earlier;
        printing->earlier = finding->next;
        finding->next = NULL;
        if (kind && matters(finding, kind))
            intake_take(&silent, &session->run, finding);
        else
            finding_free(finding);
    }
}

/* With LD_PRELOAD alone the options are the program's: its record has them, and only here are they known. */
static void take_finding(void *ctx, struct run *run, struct run_finding *finding)
{
    struct printing *printing = ctx;
    struct session *session = printing->session;
    if (!session->were_rules_loaded) {
        settings_from_text(&session->settings, finding->process->options);
        session_load_rules(session); /* rules that cannot be read hide nothing: the finding is printed all the same */
    }
    take_earlier(printing, finding->kind);
    intake_take(&session->intake, run, finding);
}

static void print_summary(struct session *session)
{
    struct text_style style = session_style(session, STDERR_FILENO);
    struct buffer text = {0};
    if (session->run.findings || !settings_flag(&session->settings, OPTION_ID_quiet)) {
        contention_merge(&session->run, session->intake.symbols);
        format_text_summary(&text, &session->run, session->intake.symbols, &session->rules, &style);
        format_text_contention(&text, &session->run, &style, false);
        output_write(STDERR_FILENO, &text);
    }
    buffer_free(&text);
}

static int print_window(struct session *session, const char *path)
{
    struct run_reader reader;
    struct printing printing = {.session = session};
    uint64_t begin = settings_number(&session->settings, OPTION_ID_offset, 0);
    uint64_t length = settings_number(&session->settings, OPTION_ID_length, 0);
    bool wants_summary = settings_flag(&session->settings, OPTION_ID_summary);
    int status = run_reader_open(&reader, path, &session->run, take_finding, &printing);
    if (status == 0) {
        session->intake.show = wants_summary ? NULL : print_finding;
        session->intake.ctx = session;
        reader.take_earlier = keep_earlier;
        status = wants_summary ? run_reader_poll(&reader) : run_reader_window(&reader, begin, begin + length);
        run_reader_close(&reader);
        take_earlier(&printing, NULL);
    }
    if (status < 0) {
        fprintf(stderr, "lockhound: cannot read %s: %s\n", path, strerror(-status));
        return EXIT_FAILED;
    }
    if (wants_summary)
        print_summary(session);
    return run_has_error(&session->run) ? EXIT_FINDINGS : EXIT_OK;
}

int command_print_main(int argc, char **argv)
{
    struct session session = {0};
    int first = settings_parse(&session.settings, argc, argv, FOR_PRINT, true);
    if (first < 0)
        return EXIT_USAGE;
    if (session.settings.wants_help)
        return command_print_help(command_find("print"));
    if (!argv[first] || argv[first + 1]) {
        fputs("lockhound: print takes one run file\n", stderr);
        return EXIT_USAGE;
    }
    session_begin(&session);
    int status = print_window(&session, argv[first]);
    session_end(&session);
    return status;
}
