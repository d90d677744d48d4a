/* main.c: the lockhound command: finds the subcommand, which is a file of its own, and runs it. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/launch.h"
#include "lockhound/version.h"

const struct command command_table[] = {
    {"run", "[run] [options] [--] program [arguments...]", "run a program and report what is found, as it is found",
     FOR_RUN, false, command_run_main},
    {"report", "report [options] FILE...", "render run files again, merged into one report", FOR_REPORT, false,
     command_report_main},
    {"check", "check [options] --baseline=FILE REPORT...",
     "compare findings with a baseline: new ones fail, known and gone ones are said", FOR_CHECK, false,
     command_check_main},
    {"suppress", "suppress [options] REPORT...", "write suppression rules for the findings of a report", FOR_SUPPRESS,
     false, command_suppress_main},
    {"analyze", "analyze [options] TRACE...", "look for findings in recorded traces (- is stdin)", FOR_ANALYZE, false,
     command_analyze_main},
    {"weave", "weave [options] FILE...",
     "make, explain or check the woven images of programs and libraries ahead of time", FOR_WEAVE, false,
     command_weave_main},
    {"ps", "ps PID", "show the threads and locks of a program that runs with --dump-signal, and who blocks whom",
     FOR_PS, false, command_ps_main},
    {"help", "help [command|kinds]", "explain a command, or list the kinds of findings", 0, false, command_help_main},
    {"print", "print RUNFILE --offset=N --length=N | print RUNFILE --summary",
     "print one finding of a run file on stderr; the preloaded library calls it", FOR_PRINT, true, command_print_main},
};
const size_t command_count = sizeof command_table / sizeof command_table[0];

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(command_table[i].name, name) == 0)
            return &command_table[i];
    return NULL;
}

int main(int argc, char **argv)
{
    process_state_save();
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        int status = command_help_main(1, argv);
        return argc < 2 ? EXIT_USAGE : status;
    }
    if (strcmp(argv[1], "--version") == 0)
        return puts("lockhound " LOCKHOUND_VERSION) < 0 || fflush(stdout) != 0 ? EXIT_FAILED : EXIT_OK;
    if (strcmp(argv[1], "--list-suppressions") == 0)
        return fputs(suppressions_defaults(), stdout) < 0 || fflush(stdout) != 0 ? EXIT_FAILED : EXIT_OK;
    const struct command *command = command_find(argv[1]);
    if (command)
        return command->main(argc - 1, argv + 1);
    return command_run_main(argc, argv);
}
