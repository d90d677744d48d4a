/* command.h: the subcommands, one file each; main.c has the table. */
#ifndef LOCKHOUND_CLI_COMMAND_H
#define LOCKHOUND_CLI_COMMAND_H

#include <stdbool.h>

#include "cli/exits.h"
#include "cli/options.h"
#include "report/format_text.h"
#include "report/intake.h"

struct command {
    const char *name;
    const char *usage; /* the line after "usage: lockhound " */
    const char *summary;
    unsigned scope; /* the options it takes; 0: it reads its arguments itself */
    bool is_hidden;
    int (*main)(int argc, char **argv); /* argv[0] is the subcommand's name; returns the exit status */
};

extern const struct command command_table[];
extern const size_t command_count;

int command_run_main(int argc, char **argv);
int command_report_main(int argc, char **argv);
int command_check_main(int argc, char **argv);
int command_suppress_main(int argc, char **argv);
int command_analyze_main(int argc, char **argv);
int command_ps_main(int argc, char **argv);
int command_print_main(int argc, char **argv);
int command_weave_main(int argc, char **argv);
int command_help_main(int argc, char **argv);

/* Returns: the entry, or NULL. */
const struct command *command_find(const char *name);
/* Prints the help of one command on stdout.  Returns: an exit status. */
int command_print_help(const struct command *command);

/* What every command that reads run files works with. */
struct session {
    struct settings settings;
    struct run run;
    struct suppressions rules;
    struct intake intake;
    struct source_cache *sources;
    bool were_rules_loaded;
};

void session_begin(struct session *session);
/* Loads the suppressions that the settings name.  Returns: false after a complaint. */
bool session_load_rules(struct session *session);
void session_end(struct session *session);
/* How text for `fd` is to look. */
struct text_style session_style(const struct session *session, int fd);
/* Prints a finding on stderr.  When that is gone, the exit status and --json still tell. */
void session_show(const struct session *session, const struct run_finding *finding);
/* Adds the run file `path` to the session's run.  Returns: false after a complaint. */
bool session_read(struct session *session, const char *path);
/* Writes what --json and its like ask for.  Returns: false after a complaint. */
bool session_write_formats(struct session *session);
/* Checks beforehand that they can be written.  Returns: false after a complaint. */
bool session_check_formats(const struct session *session);
/* Returns: true when a format goes to stdout, where text would spoil it. */
bool session_uses_stdout(const struct session *session);

#endif
