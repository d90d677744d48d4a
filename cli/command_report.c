/* command_report.c: `lockhound report FILE...`: run files into one report on stdout. */
#include <stdio.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/output.h"
#include "report/format_text.h"

/* Returns: false after a complaint. */
static bool write_text(struct session *session)
{
    struct text_style style = session_style(session, STDOUT_FILENO);
    struct buffer text = {0};
    for (const struct run_finding *f = session->run.findings; f; f = f->next)
        format_text_finding(&text, f, &style);
    if (session->run.findings || !settings_flag(&session->settings, OPTION_ID_quiet)) {
        format_text_summary(&text, &session->run, session->intake.symbols, &session->rules, &style);
        format_text_contention(&text, &session->run, &style, settings_flag(&session->settings, OPTION_ID_contention));
    }
    bool was_written = output_show(&text);
    buffer_free(&text);
    return was_written;
}

/* Of files without a run there is nothing to say but what was wrong with them. */
static int report_files(struct session *session, char **paths)
{
    bool all = true;
    for (; *paths; paths++)
        all &= session_read(session, *paths);
    all &= session_write_formats(session);
    if (session->run.process_count != 0 && !session_uses_stdout(session))
        all &= write_text(session);
    if (all && session->run.process_count == 0) {
        fprintf(stderr, "lockhound: no run of a program in there%s\n",
                session->run.problem_count ? ": is this a run file?" : "");
        all = false;
    }
    return all ? EXIT_OK : EXIT_FAILED;
}

int command_report_main(int argc, char **argv)
{
    struct session session = {0};
    int first = settings_parse(&session.settings, argc, argv, FOR_REPORT, true);
    if (first < 0)
        return EXIT_USAGE;
    if (session.settings.wants_help)
        return command_print_help(command_find("report"));
    if (!argv[first]) {
        fputs("lockhound: report needs a run file (made by lockhound run --output=FILE)\n", stderr);
        return EXIT_USAGE;
    }
    int status = EXIT_USAGE;
    session_begin(&session);
    if (session_load_rules(&session))
        status = session_check_formats(&session) ? report_files(&session, argv + first) : EXIT_FAILED;
    session_end(&session);
    return status;
}
